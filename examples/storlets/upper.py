"""A storlet that converts text to upper case."""


class Upper:
    """Read the input in pieces, so that an object of any size takes little memory."""

    def __init__(self, logger):
        self.logger = logger

    def __call__(self, in_files, out_files, params):
        """Write the first input to the first output, in upper case.

        :param in_files: the inputs; each has get_metadata() and read(size), which returns bytes
        :param out_files: the output; set its metadata before the first write
        :param params: the parameters of the run, a dict of strings
        """
        source, target = in_files[0], out_files[0]
        metadata = source.get_metadata()
        metadata["Case"] = "upper"
        target.set_metadata(metadata)
        count = 0
        while chunk := source.read(65536):
            count += len(chunk)
            target.write(chunk.upper())
        self.logger.info(f"{count} bytes converted to upper case")
        source.close()
        target.close()
