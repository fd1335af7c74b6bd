"""Forward kinematics of the simulated robot against an engine that is not ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from embodied_kit.measure.kinematics.forward import angle_between, forward
from embodied_kit.measure.kinematics.model import read_model

mujoco = pytest.importorskip("mujoco")
URDF = Path(__file__).parents[2] / "sample_episodes/good/dataset/robots/sim_arm/sim_arm.urdf"


def test_every_link_is_where_mujoco_puts_it() -> None:
    data = URDF.read_bytes()
    model = read_model(data)
    kept = b'<mujoco><compiler fusestatic="false" discardvisual="false" strippath="false"/></mujoco></robot>'
    engine = mujoco.MjModel.from_xml_string(data.replace(b"</robot>", kept).decode())
    state = mujoco.MjData(engine)
    names = [engine.joint(index).name for index in range(engine.njnt)]
    rng = np.random.default_rng(7)
    links = 0
    for _ in range(20):
        angles = rng.uniform(-1, 1, engine.nq)
        state.qpos[:] = angles
        mujoco.mj_kinematics(engine, state)
        positions = {name: np.array([angles[engine.joint(name).qposadr[0]]]) for name in names}
        for body in range(1, engine.nbody):
            chain = model.chain(engine.body(body).name)
            if not chain:
                continue
            links += 1
            poses = forward(model, chain, positions, 1)
            assert poses.xyz_m[0] == pytest.approx(state.xpos[body], abs=1e-9)
            w, x, y, z = state.xquat[body]
            assert angle_between(poses.quaternion, np.array([[x, y, z, w]]))[0] < 1e-7
    assert links >= 20 * len(model.joints) // 2
