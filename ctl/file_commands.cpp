#include "ctl/file_commands.hpp"

#include "ctl/doctor/doctor_command.hpp"
#include "ctl/import/import_command.hpp"
#include "vrrpd/config/check_command.hpp"

namespace vrrpd::ctl {

int check(const Arguments& arguments, std::ostream& out, std::ostream& err) {
    return config::check_files(arguments.names, out, err);
}

int doctor(const Arguments& arguments, std::ostream& out, std::ostream& err) {
    return vrrpd::doctor::examine(arguments.names.empty() ? "/etc/vrrpd/vrrpd.ini" : arguments.names.front(), out, err);
}

int import_keepalived(const Arguments& arguments, std::ostream& out, std::ostream& err) {
    return keepalived::import_file(arguments.names.front(), out, err);
}

}  // namespace vrrpd::ctl
