"""Recording from the command line: the operator's keys and lines, verdicts as takes end, the ROS node."""
