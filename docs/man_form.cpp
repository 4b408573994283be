#include "docs/man_form.hpp"

#include <sstream>
#include <vector>

namespace {

/// Text that roff shows as it is; `literal`: where a dash must stay one that a shell understands.
std::string plain(std::string_view text, bool literal) {
    std::string roff;
    for (const char c : text) {
        if (c == '\\') {
            roff += "\\e";
        } else if (c == '-' && literal) {
            roff += "\\-";
        } else {
            roff += c;
        }
    }
    const bool is_request = roff.starts_with('.') || roff.starts_with('\'');
    return is_request ? "\\&" + roff : roff;
}

/// With `code` and **bold** in bold.
std::string styled(std::string_view text) {
    std::string roff;
    bool code = false, bold = false;
    std::size_t begin = 0;
    const auto flush = [&](std::size_t end) {
        const std::string piece = plain(text.substr(begin, end - begin), code);
        roff += (code || bold) && !piece.empty() ? "\\fB" + piece + "\\fR" : piece;
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_bold = !code && text.substr(i, 2) == "**";
        if (text[i] != '`' && !is_bold) continue;
        flush(i);
        (is_bold ? bold : code) ^= true;
        i += is_bold ? 1 : 0;
        begin = i + 1;
    }
    flush(text.size());
    return roff;
}

std::string trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) return {};
    return std::string(text.substr(first, text.find_last_not_of(' ') + 1 - first));
}

/// `| a | b \| c |` -> a, b | c.
std::vector<std::string> cells_of(std::string_view line) {
    std::vector<std::string> cells(1);
    for (std::size_t i = 1; i < line.size(); ++i) {
        if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '|') {
            cells.back() += line[++i];
        } else if (line[i] == '|') {
            cells.back() = trimmed(cells.back());
            cells.emplace_back();
        } else {
            cells.back() += line[i];
        }
    }
    cells.pop_back();
    return cells;
}

class Writer {
  public:
    void take(std::string_view line) {
        if (line.starts_with("```")) {
            finish();
            in_fence_ = !in_fence_;
            if (!in_fence_) end_example();
        } else if (in_fence_) {
            example(line);
        } else if (line.starts_with("    ") && paragraph_.empty()) {
            example(line.substr(4));
        } else if (line.empty()) {
            finish();
        } else if (line.starts_with("# ")) {
            finish();
        } else if (line.starts_with("## ")) {
            finish();
            roff_ += ".SH \"" + plain(line.substr(3), false) + "\"\n";
        } else if (line.starts_with("### ")) {
            finish();
            roff_ += ".SS \"" + plain(line.substr(4), false) + "\"\n";
        } else if (line.starts_with('|')) {
            row(cells_of(line));
        } else if (line.starts_with("- ")) {
            finish();
            paragraph_ = line.substr(2);
            is_item_ = true;
        } else {
            end_example();
            paragraph_ += (paragraph_.empty() ? "" : " ") + trimmed(line);
        }
    }

    std::string text() {
        finish();
        return std::move(roff_);
    }

  private:
    void finish() {
        end_example();
        header_.clear();
        if (paragraph_.empty()) return;
        roff_ += (is_item_ ? ".IP \\(bu 2\n" : ".PP\n") + styled(paragraph_) + "\n";
        paragraph_.clear();
        is_item_ = false;
    }

    void example(std::string_view line) {
        if (!in_example_) roff_ += ".PP\n.RS 4\n.nf\n";
        in_example_ = true;
        roff_ += (line.empty() ? "\\&" : plain(line, true)) + "\n";
    }
    void end_example() {
        if (in_example_) roff_ += ".fi\n.RE\n";
        in_example_ = false;
    }

    /// The first cell as a tag, the last one as what it means, the others behind it with the names of their columns.
    void row(const std::vector<std::string>& cells) {
        if (header_.empty()) {
            finish();
            header_ = cells;
            return;
        }
        if (cells.front().starts_with("---") || cells.size() != header_.size()) return;
        roff_ += ".TP\n" + styled(cells.front()) + "\n";
        const bool has_meaning = header_.back() == "meaning";
        if (has_meaning) roff_ += styled(cells.back()) + "\n";
        for (std::size_t i = 1; i + (has_meaning ? 1 : 0) < cells.size(); ++i) {
            if (cells[i].empty()) continue;
            if (i > 1 || has_meaning) roff_ += ".br\n";
            roff_ += header_[i] + ": " + styled(cells[i]) + "\n";
        }
    }

    std::string roff_;
    std::string paragraph_;
    std::vector<std::string> header_;
    bool is_item_ = false, in_fence_ = false, in_example_ = false;
};

}  // namespace

std::string man_form(std::string_view markdown) {
    Writer writer;
    std::istringstream lines{std::string(markdown)};
    for (std::string line; std::getline(lines, line);) writer.take(line);
    return ".TH VRRPD.INI 5 \"\" \"vrrpd " VRRPD_VERSION
           "\" \"File formats\"\n.nh\n.SH NAME\nvrrpd.ini \\- configuration of vrrpd\n.SH DESCRIPTION\n" +
           writer.text() + ".SH SEE ALSO\n.BR vrrpd (8),\n.BR vrrpctl (8)\n";
}
