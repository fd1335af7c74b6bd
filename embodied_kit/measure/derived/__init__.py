"""What needs two streams, a URDF or a layer: from the kept columns, without the recording."""
