#pragma once
#include "actors/interfaces.hpp"
#include "actors/retired_operations.hpp"
#include "actors/traced_actor.hpp"

namespace expbuild {

/// Finished operations until their time is over; a timer is armed only while something can expire.
class result_reaper_state {
public:
  static inline const char* name = "result_reaper";
  using pointer = traced_pointer<result_reaper_actor, result_reaper_state>;

  explicit result_reaper_state(pointer selfptr) : self(selfptr) {}

  void keep(retire& event, const dispatcher_actor& keeper);
  void tell(const watch& request, const operation_sink& sink) const;
  void answer(const get_operation& request, const reply<operation_state>& answer) const;
  void drop(const forget& request) { retired.erase(request.operation); }
  void reap();

  pointer self;
  retired_operations retired{retirement_options{}};
  dispatcher_actor dispatcher; ///< told what it may forget; null before the first retire
  bool armed = false;

private:
  void arm();
};

result_reaper_actor::behavior_type result_reaper(result_reaper_state::pointer self,
                                                 retirement_options retirement);

} // namespace expbuild
