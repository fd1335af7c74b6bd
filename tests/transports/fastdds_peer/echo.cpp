// Fast DDS as a peer, with rmw_fastrtps' choices: keyless type known by name, no type information, XCDR1.
// Arguments: domain id. Latches one message on /latched, sends each message of /to_peer back on /from_peer with its
// own source stamp, and leaves when its standard input closes.
#include <fastdds/dds/domain/DomainParticipant.hpp>
#include <fastdds/dds/domain/DomainParticipantFactory.hpp>
#include <fastdds/dds/publisher/DataWriter.hpp>
#include <fastdds/dds/publisher/Publisher.hpp>
#include <fastdds/dds/subscriber/DataReader.hpp>
#include <fastdds/dds/subscriber/DataReaderListener.hpp>
#include <fastdds/dds/subscriber/SampleInfo.hpp>
#include <fastdds/dds/subscriber/Subscriber.hpp>
#include <fastdds/dds/topic/TopicDataType.hpp>
#include <fastdds/rtps/common/WriteParams.h>
#include <fastdds/rtps/transport/UDPv4TransportDescriptor.h>

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <vector>

using namespace eprosima::fastdds::dds;
using Payload = eprosima::fastrtps::rtps::SerializedPayload_t;
using Bytes = std::vector<unsigned char>;

class RawType : public TopicDataType
{
public:
    RawType()
    {
        setName("std_msgs::msg::dds_::String_");
        m_typeSize = 4 << 20;
        m_isGetKeyDefined = false;
        auto_fill_type_information(false);
        auto_fill_type_object(false);
    }
    bool serialize(void* data, Payload* payload) override
    {
        const Bytes& bytes = *static_cast<Bytes*>(data);
        std::memcpy(payload->data, bytes.data(), bytes.size());
        payload->length = static_cast<uint32_t>(bytes.size());
        payload->encapsulation = CDR_LE;
        return true;
    }
    bool deserialize(Payload* payload, void* data) override
    {
        static_cast<Bytes*>(data)->assign(payload->data, payload->data + payload->length);
        return true;
    }
    std::function<uint32_t()> getSerializedSizeProvider(void* data) override
    {
        return [data] { return static_cast<uint32_t>(static_cast<Bytes*>(data)->size()); };
    }
    void* createData() override { return new Bytes(); }
    void deleteData(void* data) override { delete static_cast<Bytes*>(data); }
    bool getKey(void*, eprosima::fastrtps::rtps::InstanceHandle_t*, bool) override { return false; }
};

class Echo : public DataReaderListener
{
public:
    explicit Echo(DataWriter* back) : back_(back) {}
    void on_data_available(DataReader* reader) override
    {
        Bytes bytes;
        SampleInfo info;
        while (reader->take_next_sample(&bytes, &info) == ReturnCode_t::RETCODE_OK)
        {
            if (!info.valid_data) continue;
            eprosima::fastrtps::rtps::WriteParams params;
            params.source_timestamp(info.source_timestamp);
            back_->write(&bytes, params);
        }
    }

private:
    DataWriter* back_;
};

int main(int, char** arguments)
{
    auto loopback = std::make_shared<eprosima::fastdds::rtps::UDPv4TransportDescriptor>();
    loopback->interfaceWhiteList.push_back("127.0.0.1");
    loopback->receiveBufferSize = 4 << 20;
    DomainParticipantQos qos;
    qos.transport().use_builtin_transports = false;
    qos.transport().user_transports.push_back(loopback);
    auto* participant =
        DomainParticipantFactory::get_instance()->create_participant(std::atoi(arguments[1]), qos);
    if (participant == nullptr) return 1;
    TypeSupport type(new RawType());
    type.register_type(participant);
    auto topic = [&](const char* name) { return participant->create_topic(name, type.get_type_name(), TOPIC_QOS_DEFAULT); };
    auto* publisher = participant->create_publisher(PUBLISHER_QOS_DEFAULT);
    auto* subscriber = participant->create_subscriber(SUBSCRIBER_QOS_DEFAULT);

    DataWriterQos writer_qos;
    writer_qos.reliability().kind = RELIABLE_RELIABILITY_QOS;
    writer_qos.history().kind = KEEP_ALL_HISTORY_QOS;
    writer_qos.publish_mode().kind = ASYNCHRONOUS_PUBLISH_MODE;
    writer_qos.endpoint().history_memory_policy = eprosima::fastrtps::rtps::PREALLOCATED_WITH_REALLOC_MEMORY_MODE;
    auto* back = publisher->create_datawriter(topic("rt/from_peer"), writer_qos);
    writer_qos.durability().kind = TRANSIENT_LOCAL_DURABILITY_QOS;
    const std::string hash = "typehash=" + std::string(arguments[2]) + ";";
    writer_qos.user_data().setValue(Bytes(hash.begin(), hash.end()));
    auto* latched = publisher->create_datawriter(topic("rt/latched"), writer_qos);
    Bytes hello{0, 1, 0, 0, 6, 0, 0, 0, 'h', 'e', 'l', 'l', 'o', 0, 0, 0};
    latched->write(&hello);

    DataReaderQos reader_qos;
    reader_qos.reliability().kind = RELIABLE_RELIABILITY_QOS;
    reader_qos.history().kind = KEEP_ALL_HISTORY_QOS;
    reader_qos.endpoint().history_memory_policy = eprosima::fastrtps::rtps::PREALLOCATED_WITH_REALLOC_MEMORY_MODE;
    Echo echo(back);
    subscriber->create_datareader(topic("rt/to_peer"), reader_qos, &echo);

    for (std::string line; std::getline(std::cin, line);) {}
    participant->delete_contained_entities();
    DomainParticipantFactory::get_instance()->delete_participant(participant);
    return 0;
}
