#include "control/socket_file.hh"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <grp.h>
#include <optional>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace smol::control {
namespace {

using dataplane::StartError;

constexpr const char* kGroup = "smol";
constexpr const char* kElsewhere =
    "; give it another place (--grpc unix://PATH), or none (--grpc off)";

auto refuse(const std::string& path, const std::string& problem, const std::string& advice) {
  return fail(StartError{"grpc.listen: " + path + ": " + problem + advice});
}

std::string why(int error) {
  return std::strerror(error);
}

enum class Found { kNothing, kDeadSocket, kListener, kOther };

/// What is at `path`: a socket that nobody accepts from is what a dead daemon left.
Found look_at(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return Found::kNothing;
  if (!S_ISSOCK(status.st_mode)) return Found::kOther;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);  // unix_address() bounds it
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return Found::kOther;
  // EAGAIN: its backlog is full, so there is one.
  const bool dead = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
                    (errno == ECONNREFUSED || errno == ENOENT);
  close(fd);
  return dead ? Found::kDeadSocket : Found::kListener;
}

std::optional<gid_t> group_id(const char* name) {
  std::vector<char> buffer(16'384);
  group entry{};
  group* found = nullptr;
  getgrnam_r(name, &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return std::nullopt;
  return entry.gr_gid;
}

}  // namespace

SocketFile::SocketFile(std::string path)
    : path_{std::move(path)}, temporary_{path_ + '.' + std::to_string(getpid())} {}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_{std::move(other.path_)},
      temporary_{std::exchange(other.temporary_, {})},
      published_{std::exchange(other.published_, false)},
      device_{other.device_},
      inode_{other.inode_} {}

SocketFile::~SocketFile() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
  struct stat status {};
  const bool ours = published_ && lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
                    status.st_ino == inode_;
  if (ours) unlink(path_.c_str());
}

Result<SocketFile, StartError> SocketFile::prepare(std::string path) {
  const std::string folder = std::filesystem::path{path}.parent_path();
  if (mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
    return refuse(path, "cannot make the folder: " + why(errno), kElsewhere);
  }
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    return refuse(path, "cannot make a socket in " + folder + ": " + why(errno), kElsewhere);
  }
  switch (look_at(path)) {
    case Found::kListener:
      return refuse(path, "another daemon listens there", kElsewhere);
    case Found::kOther:
      return refuse(path, "is there already, and is no socket",
                    ": remove it" + std::string{kElsewhere});
    case Found::kNothing:
    case Found::kDeadSocket:
      break;
  }
  SocketFile file{std::move(path)};
  unlink(file.temporary_.c_str());
  return file;
}

Result<void, StartError> SocketFile::publish(std::string& warning) {
  const auto group = group_id(kGroup);
  if (group && chown(temporary_.c_str(), static_cast<uid_t>(-1), *group) != 0) {
    warning = path_ + ": cannot give it to group " + kGroup + ": " + why(errno);
  }
  struct stat status {};
  if (chmod(temporary_.c_str(), 0660) != 0 || lstat(temporary_.c_str(), &status) != 0 ||
      std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return refuse(path_, "cannot make the socket: " + why(errno), kElsewhere);
  }
  device_ = status.st_dev;
  inode_ = status.st_ino;
  published_ = true;
  return {};
}

}  // namespace smol::control
