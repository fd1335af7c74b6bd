// Cyclone DDS of the system (0.10, the line that rmw_cyclonedds uses) as a peer, typed, without type information.
// Arguments: domain id, type hash. Latches one message on /latched, sends each message of /to_peer back on /from_peer
// with its own source stamp, and leaves when its standard input closes.
#include <dds/dds.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ros_string.h"

static dds_entity_t topic(dds_entity_t participant, const char *name)
{
    return dds_create_topic(participant, &std_msgs_msg_dds__String__desc, name, NULL, NULL);
}

int main(int count, char **arguments)
{
    if (count != 3) return 2;
    dds_entity_t participant = dds_create_participant((dds_domainid_t)atoi(arguments[1]), NULL, NULL);
    if (participant < 0) return 1;
    dds_qos_t *qos = dds_create_qos();
    dds_qset_reliability(qos, DDS_RELIABILITY_RELIABLE, DDS_SECS(10));
    dds_qset_history(qos, DDS_HISTORY_KEEP_ALL, 0);
    dds_entity_t back = dds_create_writer(participant, topic(participant, "rt/from_peer"), qos, NULL);
    dds_entity_t reader = dds_create_reader(participant, topic(participant, "rt/to_peer"), qos, NULL);
    char hash[128];
    dds_qset_durability(qos, DDS_DURABILITY_TRANSIENT_LOCAL);
    dds_qset_durability_service(qos, 0, DDS_HISTORY_KEEP_LAST, 1, -1, -1, -1);
    dds_qset_userdata(qos, hash, (size_t)snprintf(hash, sizeof hash, "typehash=%s;", arguments[2]));
    dds_entity_t latched = dds_create_writer(participant, topic(participant, "rt/latched"), qos, NULL);
    std_msgs_msg_dds__String_ hello = {.data = "hello"};
    dds_write(latched, &hello);

    struct pollfd input = {.fd = 0, .events = POLLIN};
    char rest[64];
    while (poll(&input, 1, 2) == 0 || fgets(rest, sizeof rest, stdin) != NULL)
    {
        void *sample[1] = {NULL};
        dds_sample_info_t info[1];
        while (dds_take(reader, sample, info, 1, 1) == 1)
        {
            if (info[0].valid_data) dds_write_ts(back, sample[0], info[0].source_timestamp);
            dds_return_loan(reader, sample, 1);
            sample[0] = NULL;
        }
    }
    dds_delete_qos(qos);
    dds_delete(participant);
    return 0;
}
