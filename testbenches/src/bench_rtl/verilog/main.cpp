// Steps the clock of a Verilated design: CHECK cycles, then the checksum is printed; then for SECONDS of processor time, and cycles,
// processor seconds and wall seconds are printed. With a FILE, every signal of the second part is written there.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "Vtop.h"
#include "verilated.h"
#if TRACED
#include TRACE_HEADER
#endif

double sc_time_stamp() { return 0; }

static double now(clockid_t clock) {
    timespec time;
    clock_gettime(clock, &time);
    return double(time.tv_sec) + double(time.tv_nsec) * 1e-9;
}

static void run(Vtop* top, uint64_t cycles) {
    for (uint64_t i = 0; i < cycles; ++i) {
        top->CLOCK = 1;
        top->eval();
        top->CLOCK = 0;
        top->eval();
    }
}

#if TRACED
static uint64_t edge = 0;

static void run_traced(Vtop* top, TRACE_CLASS* trace, uint64_t cycles) {
    for (uint64_t i = 0; i < cycles; ++i) {
        top->CLOCK = 1;
        top->eval();
        trace->dump(5 * edge++);
        top->CLOCK = 0;
        top->eval();
        trace->dump(5 * edge++);
    }
}
#endif

int main(int argc, char** argv) {
    const uint64_t check = strtoull(argv[1], nullptr, 10);
    const double seconds = strtod(argv[2], nullptr);
    Verilated::traceEverOn(TRACED);
    Vtop* top = new Vtop;
    top->CLOCK = 0;
    RESET;
    top->eval();
    run(top, check);
    printf("%08x\n", unsigned(top->checksum));
    if (seconds <= 0) return 0;
#if TRACED
    TRACE_CLASS* trace = new TRACE_CLASS;
    top->trace(trace, 99);
    trace->open(argv[3]);
#endif
    uint64_t cycles = 0, batch = 64;
    const double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    double used = 0;
    while (used < seconds) {
#if TRACED
        run_traced(top, trace, batch);
#else
        run(top, batch);
#endif
        cycles += batch;
        used = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        if (used * batch < seconds * 0.01 * cycles) batch *= 2;
    }
#if TRACED
    trace->close();
#endif
    printf("%llu %.9f %.9f\n", (unsigned long long)cycles, now(CLOCK_PROCESS_CPUTIME_ID) - cpu, now(CLOCK_MONOTONIC) - wall);
    return 0;
}
