"""A storlet that turns text into capitals."""


class Upper:
    """Reads its input piece by piece, so that an object of any size takes little memory."""

    def __init__(self, logger):
        self.logger = logger

    def __call__(self, in_files, out_files, params):
        """Write the first input to the first output, in capitals.

        :param in_files: the inputs; each has get_metadata() and read(size), which returns bytes
        :param out_files: the output; its metadata must be set before anything is written
        :param params: the invocation's parameters, as text
        """
        source, target = in_files[0], out_files[0]
        metadata = source.get_metadata()
        metadata["Case"] = "upper"
        target.set_metadata(metadata)
        count = 0
        while chunk := source.read(65536):
            count += len(chunk)
            target.write(chunk.upper())
        self.logger.info(f"{count} bytes turned into capitals")
        source.close()
        target.close()
