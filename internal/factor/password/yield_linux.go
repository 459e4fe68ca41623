package password

import "syscall"

// canYield tells whether threads can be given a lower priority than the others of the process.
const canYield = true

// niceness is enough for everybody else to run first, and little enough that the collector of garbage,
// which has to stop every thread for a moment, need not wait for one that never gets its turn.
const niceness = 5

// yield gives the calling thread a lower priority. Where the system does not let it, hashing competes
// with everything else, which is slower and not wrong.
func yield() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), niceness) }
