/* The same loop three times: states stored; not stored; not stored and never looked at. */
/* D: variables. STEP: declares double y[D] and sets it from z and p. */
#include <math.h>
static int outside(const double *y, double escape)
{
    for (int k = 0; k < D; k++) if (!(fabs(y[k]) <= escape)) return 1;
    return 0;
}
long store(double *z, const double *p, double escape, long n)
{
    for (long i = 0; i < n; i++, z += D) {
        STEP
        for (int k = 0; k < D; k++) z[D + k] = y[k];
        if (outside(y, escape)) return i + 1;
    }
    return n;
}
#define ADVANCE(NAME, OUT) \
long NAME(double *state, const double *p, double escape, long n) \
{ \
    double z[D]; \
    long i = 0, out = 0; \
    for (int k = 0; k < D; k++) z[k] = state[k]; \
    while (i < n && !out) { \
        STEP \
        for (int k = 0; k < D; k++) z[k] = y[k]; \
        i++; \
        out = OUT; \
    } \
    for (int k = 0; k < D; k++) state[k] = z[k]; \
    return i; \
}
ADVANCE(advance, outside(z, escape))
ADVANCE(unchecked, 0)
