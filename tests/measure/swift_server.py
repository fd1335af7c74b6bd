# ruff: noqa: ANN001, ANN002, ANN003, ANN201, ANN202, ANN204, E402  # Swift has no types; eventlet patches before it is imported
"""OpenStack Swift with its S3 interface in one process on loopback, for tests; run by the system's Python.

python3 swift_server.py FOLDER: prints the port once it serves; ends when its standard input ends. The servers for
accounts, containers, objects and the proxy are Swift's own (Debian's python3-swift); only the cache of logins, else
memcached, is a dictionary. User `test:tester`, key `testing`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import eventlet

eventlet.monkey_patch()

import swift.common.utils
from eventlet import hubs, wsgi
from swift.account.server import AccountController
from swift.common.ring import RingBuilder
from swift.common.storage_policy import POLICIES
from swift.common.utils import get_logger
from swift.common.wsgi import loadapp
from swift.container.server import ContainerController
from swift.obj.server import ObjectController

swift.common.utils.HASH_PATH_SUFFIX = b"test"
LOCALHOST = "127.0.0.1"
QUIET = get_logger({"log_level": "CRITICAL"}, name="swift-test", log_to_console=True)
CONF = """
[DEFAULT]
swift_dir = {folder}
user = {user}
[pipeline:main]
pipeline = catch_errors gatekeeper logins bulk s3api tempauth slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:logins]
paste.filter_factory = swift_server:logins
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
"""


class Logins:
    """What tempauth needs of memcached."""

    def __init__(self):
        self._kept = {}

    def get(self, key, **_kwargs):
        return self._kept.get(key)

    def set(self, key, value, **_kwargs):
        self._kept[key] = value

    def delete(self, key, **_kwargs):
        self._kept.pop(key, None)


def logins(*_args, **_kwargs):
    kept = Logins()

    def filter_(app):
        def called(environ, start_response):
            environ["swift.cache"] = kept
            return app(environ, start_response)

        return called

    return filter_


def serve(app, listening):
    eventlet.spawn(wsgi.server, listening, app, QUIET, log_output=False)
    return listening.getsockname()[1]


def ring(folder, name, port):
    builder = RingBuilder(1, 1, 0)
    builder.add_dev(
        {"id": 0, "region": 1, "zone": 1, "weight": 1, "ip": LOCALHOST, "port": port, "device": "sda1", "meta": ""}
    )
    builder.rebalance()
    builder.get_ring().save(str(folder / f"{name}.ring.gz"))


def main():
    folder = Path(sys.argv[1])
    (folder / "devices" / "sda1").mkdir(parents=True)
    conf = {"devices": str(folder / "devices"), "mount_check": "false", "swift_dir": str(folder), "user": "root"}
    kinds = (("account", AccountController), ("container", ContainerController), ("object", ObjectController))
    sockets = {name: eventlet.listen((LOCALHOST, 0)) for name, _ in kinds}
    for name, listening in sockets.items():
        ring(folder, name, listening.getsockname()[1])
    for name, controller in kinds:
        serve(controller(conf, logger=QUIET), sockets[name])
    for policy in POLICIES:
        policy.load_ring(str(folder))
    proxy = folder / "proxy.conf"
    proxy.write_text(CONF.format(folder=folder, user=os.environ.get("USER", "root")), encoding="ascii")
    sys.modules["swift_server"] = sys.modules["__main__"]
    port = serve(loadapp(str(proxy)), eventlet.listen((LOCALHOST, 0)))
    print(port, flush=True)
    hubs.trampoline(sys.stdin.fileno(), read=True)  # whoever started us has closed it


if __name__ == "__main__":
    main()
