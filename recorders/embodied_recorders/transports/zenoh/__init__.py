"""ROS 2 as rmw_zenoh speaks it, without ROS, through the PyPI package `eclipse-zenoh`.

`qos`, `tokens`, `attachment` (what stands on the wire) and `config` <- `session` (joining) <- `graph`, `inbox` (what
zenoh's own threads bring) <- `transport`. Written from rmw_zenoh's source; never run against rmw_zenoh itself.
"""
