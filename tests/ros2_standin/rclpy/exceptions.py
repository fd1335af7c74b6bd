class ParameterException(Exception):  # noqa: N818  # its name there
    pass


class InvalidParameterTypeException(ParameterException):
    pass


class ParameterUninitializedException(ParameterException):
    pass
