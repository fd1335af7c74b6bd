class Node:
    """Its command line ends with --ros-args, whatever it is given (launch_ros)."""

    def __init__(
        self,
        *,
        executable,
        package=None,
        name=None,
        parameters=None,
        arguments=None,
        output="log",
        sigterm_timeout="5",
        sigkill_timeout="5",
    ):
        self.executable, self.package, self.name, self.output = executable, package, name, output
        assert all(isinstance(text, str) for text in (sigterm_timeout, sigkill_timeout)), "a substitution, no number"
        self.killed_after_s = float(sigterm_timeout) + float(sigkill_timeout)
        self.parameters = parameters or []
        self.cmd = [*(arguments or []), "--ros-args"]
