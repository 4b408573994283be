#include "vrrpd/io/resident.hpp"

#include <cstdint>
#include <elf.h>
#include <link.h>
#include <span>
#include <unistd.h>

#include <sys/mman.h>

namespace vrrpd {
namespace {

// Code that was changed when it was loaded cannot be read again from its file. amd64 has no such libraries.
bool has_changed_code(const dl_phdr_info& object) {
    for (const auto& header : std::span(object.dlpi_phdr, object.dlpi_phnum)) {
        if (header.p_type != PT_DYNAMIC) continue;
        const auto* entry = reinterpret_cast<const ElfW(Dyn)*>(object.dlpi_addr + header.p_vaddr);
        for (; entry->d_tag != DT_NULL; ++entry) {
            if (entry->d_tag == DT_TEXTREL) return true;
            if (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0) return true;
        }
    }
    return false;
}

int forget(dl_phdr_info* object, std::size_t, void*) {
    if (has_changed_code(*object)) return 0;
    const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    for (const auto& header : std::span(object->dlpi_phdr, object->dlpi_phnum)) {
        if (header.p_type != PT_LOAD || (header.p_flags & PF_W) != 0) continue;
        const std::uintptr_t begin = object->dlpi_addr + header.p_vaddr;
        const std::uintptr_t first = begin & ~(page - 1);
        auto* const place = reinterpret_cast<void*>(first);  // NOLINT: the loader says so
        const std::size_t length = begin + header.p_memsz - first;
        if (madvise(place, length, MADV_DONTNEED) != 0) madvise(place, length, MADV_DONTNEED_LOCKED);
    }
    return 0;
}

}  // namespace

void forget_startup_pages() {
    dl_iterate_phdr(forget, nullptr);
}

}  // namespace vrrpd
