// Questions about files that the configuration names: who could change what root is to run, and whether a look
// at a file could wait for another host.
//
// Asked once, when the configuration is read, and not before each start: whoever may write to a folder that was
// safe then has been let in by root since, and could as well have been let into the file itself.
#pragma once

#include <string>

namespace vrrpd::config {

/// Why others than root could change what `program` runs: a sentence that names the file, folder or link on the
/// way to it. Empty: they cannot. A sticky folder such as /tmp is safe as long as what lies in it is root's.
std::string who_else_may_change(const std::string& program);

/// The name of the file system that `path`, or the folder that it would be in, is on, if that may hang with
/// another host or process: "NFS". Empty: it is a local one.
std::string hanging_file_system(const std::string& path);

}  // namespace vrrpd::config
