/* cc -O2 tests/exhaustive_math.c -lm && ./a.out [part/parts [function [stride]]]
 * Every float (or every stride-th, of one part of the range) through exp, log and the activations
 * of single elements on every instruction set of the machine; prints the largest error in ULP and
 * where it is, and how many results have other bits than on the first instruction set (scalar where
 * that has a fused multiply-add: -march=native; which NaN a NaN is does not count). Exits 1 when a
 * bound is broken or bits differ. `control` runs a deliberately broken exp, `odd` one that differs
 * on the last instruction set, which must exit 1. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#if FNNI_REAL_IS_DOUBLE
#error "this measures the float library; tests/test_math.c measures the double one"
#endif
#include "exhaustive.h"
#include "sweep.h"

static uint64_t checks;
static char largest[512]; /* the error of each function on any instruction set */

static int report(const sweep_function *f, uint64_t from, uint64_t to, uint32_t stride)
{
    const sweep_result r = sweep(f, from, to, stride);
    const size_t used = strlen(largest);
    double worst = 0;
    int isa, failed = 0;
    for (isa = 0; isa < FNN_ISA_COUNT; isa++) {
        const int bad = r.worst[isa] > f->bound;
        if (r.worst[isa] < 0) continue;
        printf("%-8s %-7s max %.4f ULP at %.9g (bound %g)%s\n", f->name, fnn_isa_name((fnn_isa)isa),
               r.worst[isa], (double)r.where[isa], f->bound, bad ? "  FAILED" : "");
        failed |= bad;
        checks += (to - from) / stride + 1;
        if (r.worst[isa] > worst) worst = r.worst[isa];
        if (!r.unequal[isa]) continue;
        printf("%-8s %-7s other bits %llu times, first at %.9g  FAILED\n", f->name,
               fnn_isa_name((fnn_isa)isa), (unsigned long long)r.unequal[isa],
               (double)r.unequal_at[isa]);
        failed = 1;
    }
    snprintf(largest + used, sizeof largest - used, " %s=%.4f", f->name, worst);
    fflush(stdout);
    return failed;
}

int main(int argc, char **argv)
{
    const char *name = argc > 2 ? argv[2] : "all";
    const uint32_t stride = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 1;
    uint64_t from, to;
    int i, known = 0, failed = 0;
    if (stride == 0 || (argc > 1 && !part_read(argv[1]))) {
        fprintf(stderr, "usage: %s [part/parts [function|all|control|odd [stride]]]\n", argv[0]);
        return 2;
    }
    from = 0x100000000u * (uint64_t)(part - 1) / parts;
    to = 0x100000000u * (uint64_t)part / parts - 1;
    for (i = 0; i < SWEEP_COUNT; i++) {
        const sweep_function f = sweep_function_of(i);
        if (!f.twin->f || (strcmp(name, "all") != 0 && strcmp(name, f.name) != 0)) continue;
        known++;
        failed += report(&f, from, to, stride);
    }
    if (strcmp(name, "control") == 0 || strcmp(name, "odd") == 0) {
        const sweep_function broken = name[0] == 'c' ? sweep_broken() : sweep_odd();
        known++;
        failed += report(&broken, from, to, stride);
    }
    if (!known) fprintf(stderr, "no function %s\n", name);
    swept(checks, largest);
    printf("%d passed, %d failed, 0 skipped\n", known - failed, failed);
    return known ? failed > 0 : 2;
}
