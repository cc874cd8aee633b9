// The C++ driver: calls one function of a program on each input and writes the results to a private descriptor.
//
// It is a prelude, precompiled once: the program stands after it and needs no includes of its own. Lines in and out are described in
// docs/architecture/execution.md. The function is tried with the signature's own types first; where it cannot be called with those
// (vector<int> for vector<long long>), the types that it declares are read instead, and a number that does not fit is an error.
#ifndef CODEMILL_DRIVER
#define CODEMILL_DRIVER
#include <bits/stdc++.h>
#include <csetjmp>
#include <csignal>
#include <cxxabi.h>
#include <sys/time.h>
#include <unistd.h>

namespace codemill_driver {

struct Unreadable : std::runtime_error { using std::runtime_error::runtime_error; };

template <class T> struct Tag {};
struct Unknown {};

// A value with a fixed layout would hide what is missing, so reading is by overloads on the wanted type.
struct Reader {
  const char* at;
  const char* end;
  char tag = 0;

  void next() { tag = at < end ? *at++ : 0; }
  std::string word() {
    const char* start = at;
    while (at < end && *at != ' ') ++at;
    std::string text(start, at);
    if (at < end) ++at;
    return text;
  }
  void need(char wanted) {
    next();
    if (tag != wanted) throw std::invalid_argument(std::string("the input has '") + tag + "' where the parameter needs '" + wanted + "'");
  }
  std::size_t count(char wanted) { need(wanted); return std::stoul(word()); }
};

template <class T> std::enable_if_t<std::is_integral_v<T>, T> read(Reader& in, Tag<T>) {
  if constexpr (std::is_same_v<T, bool>) { in.need('b'); return in.word() == "1"; }
  else if constexpr (std::is_same_v<T, char>) {
    in.need('s');
    std::string hex = in.word();
    if (hex.size() != 2) throw std::out_of_range("codemill: the string does not fit a char");
    return static_cast<char>(std::stoi(hex, nullptr, 16));
  } else {
    in.need('i');
    std::string text = in.word();
    if constexpr (std::is_unsigned_v<T>) {
      if (text[0] == '-') throw std::out_of_range("codemill: the integer does not fit the parameter");
      unsigned long long value = std::stoull(text);
      if (value > std::numeric_limits<T>::max()) throw std::out_of_range("codemill: the integer does not fit the parameter");
      return static_cast<T>(value);
    } else {
      long long value = std::stoll(text);
      if (value < std::numeric_limits<T>::min() || value > std::numeric_limits<T>::max()) throw std::out_of_range("codemill: the integer does not fit the parameter");
      return static_cast<T>(value);
    }
  }
}

template <class T> std::enable_if_t<std::is_floating_point_v<T>, T> read(Reader& in, Tag<T>) { in.need('f'); return static_cast<T>(std::strtod(in.word().c_str(), nullptr)); }

inline int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }
inline std::string read(Reader& in, Tag<std::string>) {
  in.need('s');
  std::string hex = in.word(), text;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) text += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return text;
}
inline std::nullptr_t read(Reader& in, Tag<std::nullptr_t>) { in.need('n'); in.word(); return nullptr; }
inline std::monostate read(Reader& in, Tag<std::monostate>) { in.need('n'); in.word(); return {}; }
template <class T, class A> std::vector<T, A> read(Reader&, Tag<std::vector<T, A>>);
template <class T> std::deque<T> read(Reader&, Tag<std::deque<T>>);
template <class T> std::list<T> read(Reader&, Tag<std::list<T>>);
template <class K, class V> std::map<K, V> read(Reader&, Tag<std::map<K, V>>);
template <class K, class V> std::unordered_map<K, V> read(Reader&, Tag<std::unordered_map<K, V>>);
template <class T> std::optional<T> read(Reader&, Tag<std::optional<T>>);
template <class A, class B> std::pair<A, B> read(Reader&, Tag<std::pair<A, B>>);
template <class... T> std::tuple<T...> read(Reader&, Tag<std::tuple<T...>>);

template <class Sequence> Sequence read_sequence(Reader& in) {
  Sequence items;
  for (std::size_t left = in.count('l'); left--;) items.push_back(read(in, Tag<typename Sequence::value_type>{}));
  return items;
}
template <class Map> Map read_map(Reader& in) {
  Map items;
  for (std::size_t left = in.count('m'); left--;) {
    auto key = read(in, Tag<typename Map::key_type>{});
    items[key] = read(in, Tag<typename Map::mapped_type>{});
  }
  return items;
}
template <class T, class A> std::vector<T, A> read(Reader& in, Tag<std::vector<T, A>>) { return read_sequence<std::vector<T, A>>(in); }
template <class T> std::deque<T> read(Reader& in, Tag<std::deque<T>>) { return read_sequence<std::deque<T>>(in); }
template <class T> std::list<T> read(Reader& in, Tag<std::list<T>>) { return read_sequence<std::list<T>>(in); }
template <class K, class V> std::map<K, V> read(Reader& in, Tag<std::map<K, V>>) { return read_map<std::map<K, V>>(in); }
template <class K, class V> std::unordered_map<K, V> read(Reader& in, Tag<std::unordered_map<K, V>>) { return read_map<std::unordered_map<K, V>>(in); }
template <class T> std::optional<T> read(Reader& in, Tag<std::optional<T>>) {
  if (in.at < in.end && *in.at == 'n') { in.next(); in.word(); return std::nullopt; }
  return read(in, Tag<T>{});
}
template <class A, class B> std::pair<A, B> read(Reader& in, Tag<std::pair<A, B>>) {
  if (in.count('t') != 2) throw std::invalid_argument("codemill: the tuple has another length");
  A first = read(in, Tag<A>{});
  return {std::move(first), read(in, Tag<B>{})};
}
template <class... T> std::tuple<T...> read(Reader& in, Tag<std::tuple<T...>>) {
  if (in.count('t') != sizeof...(T)) throw std::invalid_argument("codemill: the tuple has another length");
  return std::tuple<T...>{read(in, Tag<T>{})...};  // braces: from left to right
}

inline void space(std::string& out) { if (!out.empty()) out += ' '; }
inline void write(std::string& out, const std::string& text) {
  static const char* digits = "0123456789abcdef";
  space(out); out += 's';
  for (unsigned char c : text) { out += digits[c >> 4]; out += digits[c & 15]; }
}
inline void write(std::string& out, const char* text) { write(out, std::string(text)); }
inline void write(std::string& out, std::string_view text) { write(out, std::string(text)); }
template <class T> std::enable_if_t<std::is_integral_v<T>> write(std::string& out, T value) {
  if constexpr (std::is_same_v<T, bool>) { space(out); out += value ? "b1" : "b0"; }
  else if constexpr (std::is_same_v<T, char>) write(out, std::string(1, value));
  else { space(out); out += 'i'; out += std::to_string(value); }
}
template <class T> std::enable_if_t<std::is_floating_point_v<T>> write(std::string& out, T value) {
  space(out);
  if (std::isnan(value)) { out += "fnan"; return; }
  if (std::isinf(value)) { out += value > 0 ? "finf" : "f-inf"; return; }
  char text[40];
  std::snprintf(text, sizeof text, "f%.17g", static_cast<double>(value));
  out += text;
}
inline void write(std::string& out, std::nullptr_t) { space(out); out += 'n'; }
inline void write(std::string& out, std::nullopt_t) { space(out); out += 'n'; }
inline void write(std::string& out, std::monostate) { space(out); out += 'n'; }
template <class T, class A> void write(std::string&, const std::vector<T, A>&);
template <class T> void write(std::string&, const std::deque<T>&);
template <class T> void write(std::string&, const std::list<T>&);
template <class T, std::size_t N> void write(std::string&, const std::array<T, N>&);
template <class K, class V, class C> void write(std::string&, const std::map<K, V, C>&);
template <class K, class V> void write(std::string&, const std::unordered_map<K, V>&);
template <class T> void write(std::string&, const std::optional<T>&);
template <class A, class B> void write(std::string&, const std::pair<A, B>&);
template <class... T> void write(std::string&, const std::tuple<T...>&);

template <class Sequence> void write_sequence(std::string& out, const Sequence& items) {
  space(out); out += 'l'; out += std::to_string(items.size());
  for (const typename Sequence::value_type& item : items) write(out, item);
}
template <class Map> void write_map(std::string& out, const Map& items) {
  space(out); out += 'm'; out += std::to_string(items.size());
  for (const auto& [key, item] : items) { write(out, key); write(out, item); }
}
template <class T, class A> void write(std::string& out, const std::vector<T, A>& items) { write_sequence(out, items); }
template <class T> void write(std::string& out, const std::deque<T>& items) { write_sequence(out, items); }
template <class T> void write(std::string& out, const std::list<T>& items) { write_sequence(out, items); }
template <class T, std::size_t N> void write(std::string& out, const std::array<T, N>& items) { write_sequence(out, items); }
template <class K, class V, class C> void write(std::string& out, const std::map<K, V, C>& items) { write_map(out, items); }
template <class K, class V> void write(std::string& out, const std::unordered_map<K, V>& items) { write_map(out, items); }
template <class T> void write(std::string& out, const std::optional<T>& item) { if (item) write(out, *item); else write(out, nullptr); }
template <class A, class B> void write(std::string& out, const std::pair<A, B>& pair) { space(out); out += "t2"; write(out, pair.first); write(out, pair.second); }
template <class... T> void write(std::string& out, const std::tuple<T...>& items) {
  space(out); out += 't'; out += std::to_string(sizeof...(T));
  std::apply([&](const auto&... item) { (write(out, item), ...); }, items);
}

inline std::string hex(const std::string& text) { std::string out; write(out, text.substr(0, 300)); return out.substr(1); }

inline void send(int channel, std::string line) {
  line += '\n';
  for (std::size_t sent = 0; sent < line.size();) {
    ssize_t done = ::write(channel, line.data() + sent, line.size() - sent);
    if (done <= 0) ::_exit(1);
    sent += static_cast<std::size_t>(done);
  }
}

struct Request { std::string nonce; std::vector<std::string> cases; };

inline Request receive() {
  std::string text;
  char buffer[65536];
  for (ssize_t got; (got = ::read(0, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(got));
  std::istringstream lines(text);
  Request request;
  std::string line, count;
  std::getline(lines, request.nonce);
  for (int skipped = 0; skipped < 3; ++skipped) std::getline(lines, line);
  std::getline(lines, count);
  for (std::size_t left = std::stoul(count); left--;) { std::getline(lines, line); request.cases.push_back(line); }
  return request;
}

template <class T> T argument(const std::string& line, std::size_t& at) {
  std::size_t tab = std::min(line.find('\t', at), line.size());
  Reader in{line.data() + at, line.data() + tab};
  at = tab + 1;
  return read(in, Tag<T>{});
}

template <class Function, class... Arguments> std::string outcome(Function& function, std::tuple<Arguments...>& arguments) {
  std::string out;
  if constexpr (std::is_void_v<decltype(std::apply(function, arguments))>) { std::apply(function, arguments); write(out, nullptr); }
  else { auto result = std::apply(function, arguments); write(out, result); }
  return "returned " + out;
}

template <class... Arguments, class Function> void run(Function function) {
  const Request request = receive();
  const int channel = 3;
  for (std::size_t index = 0; index < request.cases.size(); ++index) {
    std::string line;
    try {
      [[maybe_unused]] std::size_t at = 0;
      std::tuple<Arguments...> arguments{argument<Arguments>(request.cases[index], at)...};
      line = outcome(function, arguments);
    } catch (const std::exception& error) {
      int status = 0;
      char* name = abi::__cxa_demangle(typeid(error).name(), nullptr, nullptr, &status);
      line = "raised " + hex(std::string(name ? name : "exception") + ": " + error.what());
      std::free(name);
    } catch (...) { line = "raised " + hex("an object that is no std::exception"); }
    send(channel, request.nonce + " " + std::to_string(index) + " " + line);
  }
  send(channel, request.nonce + " finished");
  std::fflush(nullptr);
  ::_exit(0);
}

template <class... T> struct Types {};

// Takes the address of a function or a method with N parameters, of several with that name the one that has N, and runs `call` with
// arguments of the types that it declares.
template <class Call, std::size_t N> struct Declared;
#define CODEMILL_OPEN(...) __VA_ARGS__
#define CODEMILL_DECLARED(N, CLASSES, ...) \
  template <class Call> struct Declared<Call, N> { \
    Call call; \
    template <class... P> static void start(Call call) { run<std::decay_t<P>...>(call); } \
    template <class R CODEMILL_OPEN CLASSES> void operator()(R (*)(__VA_ARGS__)) const { start<__VA_ARGS__>(call); } \
    template <class R, class Owner CODEMILL_OPEN CLASSES> void operator()(R (Owner::*)(__VA_ARGS__)) const { start<__VA_ARGS__>(call); } \
    template <class R, class Owner CODEMILL_OPEN CLASSES> void operator()(R (Owner::*)(__VA_ARGS__) const) const { start<__VA_ARGS__>(call); } \
  };
CODEMILL_DECLARED(0, ())
CODEMILL_DECLARED(1, (, class A), A)
CODEMILL_DECLARED(2, (, class A, class B), A, B)
CODEMILL_DECLARED(3, (, class A, class B, class C), A, B, C)
CODEMILL_DECLARED(4, (, class A, class B, class C, class D), A, B, C, D)
CODEMILL_DECLARED(5, (, class A, class B, class C, class D, class E), A, B, C, D, E)
CODEMILL_DECLARED(6, (, class A, class B, class C, class D, class E, class F), A, B, C, D, E, F)
CODEMILL_DECLARED(7, (, class A, class B, class C, class D, class E, class F, class G), A, B, C, D, E, F, G)
CODEMILL_DECLARED(8, (, class A, class B, class C, class D, class E, class F, class G, class H), A, B, C, D, E, F, G, H)
#undef CODEMILL_DECLARED
#undef CODEMILL_OPEN

// `by_call` calls the function with any arguments, `by_name` hands its address on: each is looked at only if it is needed.
template <class ByCall, class ByName, class... Canonical> int drive(ByCall by_call, ByName by_name, Types<Canonical...>) {
  if constexpr (std::is_invocable_v<ByCall&, Canonical&...>) run<Canonical...>(by_call);
  else by_name(Declared<ByCall, sizeof...(Canonical)>{by_call});
  return 0;
}

// For the lines that call real code (adapting.py): a call that aborts, divides by zero, leaves its memory or needs more than 0.2 s of user
// time raises an error instead, so that the other calls of its run are made.
inline sigjmp_buf guarded;
inline char guard_stack[1 << 16];
inline void end_call(int) { siglongjmp(guarded, 1); }
struct Guard {
  Guard() {
    stack_t other{guard_stack, 0, sizeof guard_stack};
    sigaltstack(&other, nullptr);
    struct sigaction action {};
    action.sa_handler = end_call;
    action.sa_flags = SA_ONSTACK | SA_NODEFER;
    for (int signal : {SIGABRT, SIGFPE, SIGSEGV, SIGBUS, SIGVTALRM}) sigaction(signal, &action, nullptr);
    limit(200000);
  }
  ~Guard() { limit(0); }
  static void limit(int microseconds) {
    itimerval timer{{0, 0}, {0, microseconds}};
    setitimer(ITIMER_VIRTUAL, &timer, nullptr);
  }
};
[[noreturn]] inline void refuse_call() { throw std::runtime_error("codemill: the call would end the process"); }
#define CODEMILL_GUARD \
  codemill_driver::Guard codemill_guard; \
  if (sigsetjmp(codemill_driver::guarded, 1)) codemill_driver::refuse_call()

// The usual instantiations live in driver.o, so that a program's own compilation does not make them again.
#define CODEMILL_COMMON(LINK) \
  LINK template std::vector<long long> read(Reader&, Tag<std::vector<long long>>); \
  LINK template std::vector<std::string> read(Reader&, Tag<std::vector<std::string>>); \
  LINK template std::map<std::string, long long> read(Reader&, Tag<std::map<std::string, long long>>); \
  LINK template std::vector<std::vector<long long>> read(Reader&, Tag<std::vector<std::vector<long long>>>); \
  LINK template void write(std::string&, const std::vector<long long>&); \
  LINK template void write(std::string&, const std::vector<std::string>&); \
  LINK template void write(std::string&, const std::map<std::string, long long>&); \
  LINK template void write(std::string&, const std::vector<std::vector<long long>>&);

}  // namespace codemill_driver

[[noreturn]] inline void codemill_exit(int) { codemill_driver::refuse_call(); }
namespace std { using ::codemill_exit; }

using namespace std;
#endif

#pragma codemill instantiate  // while this is precompiled: instantiate.cc
