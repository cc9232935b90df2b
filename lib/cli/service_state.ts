import { notifyServiceManager, type ServiceState } from "../runtime/service_manager.ts";
import { processLog as log } from "../telemetry/log.ts";

/** A service manager that can't be told is reported; it then ends a start that it never heard of. */
export async function tellServiceManager(state: ServiceState): Promise<void> {
  try {
    await notifyServiceManager(state);
  } catch (error) {
    const advice = "install systemd-notify, or put Type=exec into the unit";
    log.warning("service_manager_not_told", { state, advice, error });
  }
}
