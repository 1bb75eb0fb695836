// What the sanitizers are told in every program of a sanitized build (the presets asan and tsan):
// their runtime calls these functions. ASAN_OPTIONS and the like in the environment go before.
// What is suppressed here is not ours, and each says why it can not be right.

extern "C" {

const char* __asan_default_options() {
  // Debian's protobuf and absl are not instrumented: what they do to a container does not move the
  // marks of its unused part.
  return "detect_container_overflow=0:detect_stack_use_after_return=1:strict_string_checks=1";
}

const char* __lsan_default_options() {
  return "report_objects=1";
}

const char* __ubsan_default_options() {
  return "print_stacktrace=1:halt_on_error=1";
}

const char* __tsan_default_options() {
  return "second_deadlock_stack=1:history_size=4";
}

const char* __tsan_default_suppressions() {
  // CAF's test engine counts checks without a lock: those of a test's own threads may be lost.
  return "race_top:caf::test::test::pass\n"
         "race_top:caf::test::engine::last_check_\n";
}

} // extern "C"
