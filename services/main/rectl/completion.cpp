#include "services/main/rectl/verbs.hpp"

#include <iostream>

namespace expbuild::rectl {

namespace {

/// Names of verbs, or of one verb's long options, with spaces between them.
std::string words_of(const std::vector<const CLI::App*>& verbs) {
  std::string text;
  for (const auto* x : verbs)
    text += (text.empty() ? "" : " ") + x->get_name();
  return text;
}

std::string options_of(const CLI::App& verb) {
  std::string text;
  for (const auto* option : verb.get_options())
    for (const auto& name : option->get_lnames())
      text += (text.empty() ? "--" : " --") + name;
  return text;
}

std::vector<const CLI::App*> verbs_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

void print_bash(const CLI::App& app) {
  std::cout << "_rectl() {\n  local word=${COMP_WORDS[COMP_CWORD]} verb= x\n"
               "  for x in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
               "    case $x in -*) ;; *) verb=$x; break ;; esac\n  done\n  case $verb in\n";
  for (const auto* verb : verbs_of(app))
    std::cout << "    " << verb->get_name() << ") x='" << options_of(*verb) << "' ;;\n";
  std::cout << "    *) x='" << words_of(verbs_of(app)) << " " << options_of(app)
            << "' ;;\n  esac\n"
               "  mapfile -t COMPREPLY < <(compgen -W \"$x\" -- \"$word\")\n"
               "  [ ${#COMPREPLY[@]} -gt 0 ] || mapfile -t COMPREPLY < <(compgen -f -- "
               "\"$word\")\n}\ncomplete -F _rectl rectl\n";
}

void print_fish(const CLI::App& app) {
  for (const auto* verb : verbs_of(app)) {
    std::cout << "complete -c rectl -n __fish_use_subcommand -a " << verb->get_name() << "\n";
    for (const auto* option : verb->get_options())
      for (const auto& name : option->get_lnames())
        std::cout << "complete -c rectl -n '__fish_seen_subcommand_from " << verb->get_name()
                  << "' -l " << name << "\n";
  }
  for (const auto* option : app.get_options())
    for (const auto& name : option->get_lnames())
      std::cout << "complete -c rectl -l " << name << "\n";
}

} // namespace

verb add_completion(CLI::App& app) {
  auto* command = app.add_subcommand("completion", "a script that completes rectl in a shell");
  auto shell = std::make_shared<std::string>("bash");
  command->add_option("SHELL", *shell, "bash, zsh or fish")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  return [shell, &app](const globals&) {
    if (*shell == "zsh")
      std::cout << "autoload -U +X bashcompinit && bashcompinit\n";
    *shell == "fish" ? print_fish(app) : print_bash(app);
    return int{ok};
  };
}

} // namespace expbuild::rectl
