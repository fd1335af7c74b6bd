"""ROS 2 over DDS without ROS, through the library inside the PyPI package `cyclonedds`.

`native` (ctypes) <- `raw` (readers and writers of bytes) <- `graph`, `nodes` (who is there) <- `transport`.
"""
