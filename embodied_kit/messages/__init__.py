"""ROS 2 messages: definitions, single messages as dicts, whole columns of CDR as arrays."""
