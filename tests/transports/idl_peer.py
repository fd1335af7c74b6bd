"""An independent DDS program: `cyclonedds` as its authors mean it to be used - typed, with XTypes type information.

Argument: domain id. Publishes on /from_idl once told to, and answers what it has received on /to_idl.
No postponed annotations here: the IDL layer reads the real ones.
"""

import json
import sys
from dataclasses import dataclass

from cyclonedds.builtin import BuiltinDataReader, BuiltinTopicDcpsPublication
from cyclonedds.core import Policy, Qos
from cyclonedds.domain import Domain, DomainParticipant
from cyclonedds.idl import IdlStruct
from cyclonedds.idl.annotations import final
from cyclonedds.pub import DataWriter
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration

CONFIG = (
    '<Domain Id="any"><General><Interfaces><NetworkInterface address="127.0.0.1"/></Interfaces>'
    "<AllowMulticast>false</AllowMulticast></General><Discovery><ParticipantIndex>auto</ParticipantIndex>"
    '<MaxAutoParticipantIndex>32</MaxAutoParticipantIndex><Peers><Peer address="localhost"/></Peers></Discovery>'
    "</Domain>"
)


@dataclass
@final
class String_(IdlStruct, typename="std_msgs::msg::dds_::String_"):  # noqa: N801 - the wire's name
    data: str


def _text(user_data: "Policy.Userdata | None") -> str:
    return bytes(user_data.data).decode() if user_data else ""


def main() -> None:
    domain = Domain(int(sys.argv[1]), CONFIG)
    participant = DomainParticipant(int(sys.argv[1]))
    qos = Qos(
        Policy.Reliability.Reliable(duration(seconds=10)),
        Policy.History.KeepAll,
        Policy.DataRepresentation(use_cdrv0_representation=True),
    )
    writer = DataWriter(participant, Topic(participant, "rt/from_idl", String_, qos=qos), qos=qos)
    reader = DataReader(participant, Topic(participant, "rt/to_idl", String_, qos=qos), qos=qos)
    publications = BuiltinDataReader(participant, BuiltinTopicDcpsPublication)
    for line in sys.stdin:
        request = json.loads(line)
        answer: object
        if request["do"] == "publish":
            answer = [writer.write(String_(data=text), timestamp=request["source_ns"]) for text in request["texts"]]
        elif request["do"] == "matched":
            answer = len(writer.get_matched_subscriptions())
        elif request["do"] == "received":
            answer = [[one.data, one.sample_info.source_timestamp] for one in reader.take(N=100)]
        else:
            answer = [
                [one.topic_name, one.type_name, _text(one.qos[Policy.Userdata])]
                for one in publications.read(N=100)
                if one.sample_info.valid_data
            ]
        print(json.dumps({"answer": answer}), flush=True)
    del reader, writer, publications, participant, domain


if __name__ == "__main__":
    main()
