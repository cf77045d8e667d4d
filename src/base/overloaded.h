// std::visit with a lambda for each alternative: Overloaded{[](const Scan&) {…}, [](const
// auto&) {…}}.
#pragma once

namespace millrace {

template <typename... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <typename... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace millrace
