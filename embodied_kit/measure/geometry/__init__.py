"""Cameras in space: intrinsics, registration of depth with colour, extrinsics, which camera is which."""
