// A plugin of g++ that gives meaning to `#pragma codemill instantiate`: every template that waits to be instantiated is instantiated
// there. It is loaded while headers are precompiled, and never when a program is compiled.
//
// g++ puts instantiations off to the end of a file, and a precompiled header keeps the list of those that wait: half a second of work
// in every program, for functions that hardly any of them calls. The interface of plugins has no header here: these are the few
// names that g++ exports for all of them.
#include <string.h>

struct cpp_reader;
extern const char **plugin_event_name;
extern "C" void register_callback(const char *plugin, int event, void (*call)(void *, void *), void *data);
void c_register_pragma(const char *space, const char *name, void (*call)(cpp_reader *));
void instantiate_pending_templates(int retries);

static void instantiate(cpp_reader *) { instantiate_pending_templates(0); }

static void register_pragma(void *, void *) { c_register_pragma("codemill", "instantiate", instantiate); }

extern "C" {

int plugin_is_GPL_compatible;

struct Named { char *name; };

int plugin_init(Named *plugin, void *) {
  for (int event = 0; event < 30 && plugin_event_name[event]; ++event) {
    if (strcmp(plugin_event_name[event], "PLUGIN_PRAGMAS") == 0) {
      register_callback(plugin->name, event, register_pragma, nullptr);
      return 0;
    }
  }
  return 1;
}

}
