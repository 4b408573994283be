#include "ctl/file_commands.hpp"

#include "ctl/import/import_command.hpp"
#include "vrrpd/config/check_command.hpp"

namespace vrrpd::ctl {

int check(const Arguments& arguments, std::ostream& out, std::ostream& err) {
    return config::check_files(arguments.names, out, err);
}

int import_keepalived(const Arguments& arguments, std::ostream& out, std::ostream& err) {
    return keepalived::import_file(arguments.names.front(), out, err);
}

}  // namespace vrrpd::ctl
