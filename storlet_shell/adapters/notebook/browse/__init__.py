"""``%storlet browse``: containers, objects, and storlets in a widget. Only notebooks have this command."""
