// Every message of an MCAP file through the public C++ reader, with the CRC of each chunk; with "sha256" also the
// digest of the file. Built by tests/bench/bench_signal.py where the headers are found (MCAP_CPP_INCLUDE).
#define MCAP_IMPLEMENTATION
#include <mcap/crc32.hpp>
#include <mcap/reader.hpp>
#include <openssl/evp.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <vector>

static uint64_t messages = 0, payload = 0;

static void count(const mcap::Record& record) {
  mcap::Message message;
  if (record.opcode == mcap::OpCode::Message && mcap::McapReader::ParseMessage(record, &message).ok()) {
    ++messages;
    payload += message.dataSize;
  }
}

static bool chunk(const mcap::Record& record) {
  mcap::Chunk found;
  if (!mcap::McapReader::ParseChunk(record, &found).ok()) return false;
  mcap::ByteArray unpacked;
  const std::byte* data = found.records;
  if (found.compression == "zstd") {
    if (!mcap::ZStdReader::DecompressAll(found.records, found.compressedSize, found.uncompressedSize, &unpacked).ok())
      return false;
    data = unpacked.data();
  } else if (!found.compression.empty()) {
    return false;
  }
  const uint32_t crc = mcap::internal::crc32Final(
    mcap::internal::crc32Update(mcap::internal::CRC32_INIT, data, found.uncompressedSize));
  if (found.uncompressedCrc != 0 && crc != found.uncompressedCrc) return false;
  mcap::BufferReader buffer;
  buffer.reset(data, found.uncompressedSize, found.uncompressedSize);
  mcap::RecordReader records(buffer, 0, found.uncompressedSize);
  while (auto inner = records.next()) count(*inner);
  return true;
}

static void digest(const char* path) {
  std::FILE* file = std::fopen(path, "rb");
  std::vector<unsigned char> block(1 << 22);
  unsigned char sum[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestInit_ex(context, EVP_sha256(), nullptr);
  while (size_t got = std::fread(block.data(), 1, block.size(), file)) EVP_DigestUpdate(context, block.data(), got);
  EVP_DigestFinal_ex(context, sum, &size);
  EVP_MD_CTX_free(context);
  std::fclose(file);
  for (unsigned int i = 0; i < size; ++i) std::printf("%02x", sum[i]);
  std::printf("\n");
}

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  std::ifstream stream(argv[1], std::ios::binary);
  mcap::FileStreamReader file(stream);
  mcap::RecordReader records(file, sizeof(mcap::Magic));
  while (auto record = records.next()) {
    if (record->opcode == mcap::OpCode::Chunk) {
      if (!chunk(*record)) return 1;
    } else if (record->opcode == mcap::OpCode::Footer) {
      break;
    } else {
      count(*record);
    }
  }
  if (argc > 2 && !std::strcmp(argv[2], "sha256")) digest(argv[1]);
  std::printf("%llu messages, %llu bytes\n", (unsigned long long)messages, (unsigned long long)payload);
  return 0;
}
