// Where the API's socket stands: made whole, in the place of a dead one, never of a live one.
#include "control/socket_file.hh"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "control/grpc_config.hh"

namespace smol::control {
namespace {

/// A socket that listens at a path, as gRPC makes one.
class Listener {
 public:
  explicit Listener(const std::string& path) : fd_{socket(AF_UNIX, SOCK_STREAM, 0)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << path;
    EXPECT_EQ(listen(fd_, 1), 0);
  }
  ~Listener() { close(fd_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

 private:
  int fd_;
};

class SocketFileTest : public ::testing::Test {
 protected:
  SocketFileTest() {
    std::string name = std::filesystem::temp_directory_path() / "smol-socket-XXXXXX";
    folder_ = mkdtemp(name.data());
    path_ = folder_ / "run" / "ctl.sock";
  }
  ~SocketFileTest() override { std::filesystem::remove_all(folder_); }

  std::string refusal() {
    const auto file = SocketFile::prepare(path_);
    return file ? "" : file.error().message;
  }
  static mode_t mode(const std::filesystem::path& path) {
    struct stat status {};
    EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 0777;
  }

  std::filesystem::path folder_;
  std::filesystem::path path_;
  std::string warning_;
};

TEST_F(SocketFileTest, IsPutIntoItsPlaceWithItsRights) {
  {
    auto file = SocketFile::prepare(path_);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(mode(path_.parent_path()), 0755u);
    const Listener listener{file->temporary()};
    EXPECT_FALSE(std::filesystem::exists(path_));
    ASSERT_TRUE(file->publish(warning_));
    EXPECT_EQ(mode(path_), 0660u);
    EXPECT_FALSE(std::filesystem::exists(file->temporary()));
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SocketFileTest, TakesThePlaceOfADeadOne) {
  std::filesystem::create_directory(path_.parent_path());
  { const Listener dead{path_}; }
  ASSERT_TRUE(std::filesystem::exists(path_));
  auto file = SocketFile::prepare(path_);
  ASSERT_TRUE(file) << file.error().message;
  const Listener listener{file->temporary()};
  EXPECT_TRUE(file->publish(warning_));
}

TEST_F(SocketFileTest, IsRefusedWhereSomebodyListens) {
  std::filesystem::create_directory(path_.parent_path());
  const Listener live{path_};
  EXPECT_EQ(refusal(), "grpc.listen: " + path_.string() +
                           ": another daemon listens there; give it another place (--grpc "
                           "unix://PATH), or none (--grpc off)");
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(SocketFileTest, IsRefusedWhereSomethingElseIs) {
  std::filesystem::create_directory(path_.parent_path());
  std::ofstream{path_} << "mine";
  EXPECT_NE(refusal().find("is there already, and is no socket: remove it"), std::string::npos);
  EXPECT_EQ(std::filesystem::file_size(path_), 4u);
}

TEST_F(SocketFileTest, IsRefusedWhereNoFolderCanBe) {
  path_ = folder_ / "no" / "such" / "ctl.sock";
  EXPECT_NE(refusal().find("cannot make the folder: No such file or directory"), std::string::npos);
}

TEST_F(SocketFileTest, LeavesWhatTookItsPlace) {
  {
    auto file = SocketFile::prepare(path_);
    ASSERT_TRUE(file);
    const Listener listener{file->temporary()};
    ASSERT_TRUE(file->publish(warning_));
    std::filesystem::remove(path_);
    std::ofstream{path_} << "another daemon's";
  }
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST(GrpcAddress, IsAUnixSocketOfAWholePath) {
  const auto objection = [](const std::string& text) {
    const auto parsed = unix_address().parse(text);
    return parsed ? std::string{} : parsed.error();
  };
  EXPECT_EQ(objection("unix:///run/smol/ctl.sock"), "");
  EXPECT_EQ(objection("0.0.0.0:50051"),
            "'0.0.0.0:50051' is no unix socket: TCP needs TLS, which is not there yet; write "
            "unix:// and a path, such as unix:///run/smol/ctl.sock");
  EXPECT_EQ(objection("/run/x.sock"),
            "'/run/x.sock' is no address: write unix:// and a path from the root, such as "
            "unix:///run/smol/ctl.sock");
  EXPECT_NE(objection("unix:relative"), "");
  EXPECT_NE(objection("unix://relative"), "");
  EXPECT_NE(objection("unix:///folder/"), "");
  EXPECT_NE(objection("unix:///" + std::string(200, 'x')), "");
}

}  // namespace
}  // namespace smol::control
