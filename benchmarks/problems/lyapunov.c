/* Lyapunov exponents, renormalised at every step. */
#include <math.h>
void logistic(double x, double r, long n, double *out)
{
    double sum = 0;
    for (long i = 0; i < n; i++) { sum += log(fabs(r - 2*r*x)); x = r*x*(1 - x); }
    out[0] = sum/n;
}
void henon(double x, double y, double a, double b, long n, double *out)
{
    double q0 = 1, q1 = 0, q2 = 0, q3 = 1, s = 0, t = 0;
    for (long i = 0; i < n; i++) {
        double u0 = -2*a*x*q0 + q1, u1 = b*q0, v0 = -2*a*x*q2 + q3, v1 = b*q2;
        double u = sqrt(u0*u0 + u1*u1);
        q0 = u0/u; q1 = u1/u;
        double along = q0*v0 + q1*v1;
        v0 -= along*q0; v1 -= along*q1;
        double v = sqrt(v0*v0 + v1*v1);
        q2 = v0/v; q3 = v1/v;
        s += log(u); t += log(v);
        double next = 1 - a*(x*x) + y;
        y = b*x; x = next;
    }
    out[0] = s/n; out[1] = t/n;
}
/* The same, made orthonormal every 8 steps, a logarithm of the product of 64 lengths: the fastest way that keeps all digits. */
void henon_seldom(double x, double y, double a, double b, long n, double *out)
{
    double q0 = 1, q1 = 0, q2 = 0, q3 = 1, s = 0, t = 0, pu = 1, pv = 1;
    for (long i = 0; i < n;) {
        long end = i + 8 < n ? i + 8 : n;
        for (; i < end; i++) {
            double slope = -2*a*x, u1 = b*q0, v1 = b*q2;
            q0 = slope*q0 + q1; q2 = slope*q2 + q3;
            q1 = u1; q3 = v1;
            double next = 1 - a*(x*x) + y;
            y = b*x; x = next;
        }
        double u = sqrt(q0*q0 + q1*q1);
        q0 /= u; q1 /= u;
        double along = q0*q2 + q1*q3;
        q2 -= along*q0; q3 -= along*q1;
        double v = sqrt(q2*q2 + q3*q3);
        q2 /= v; q3 /= v;
        pu *= u; pv *= v;
        if (i % 64 == 0 || i == n) { s += log(pu); t += log(pv); pu = pv = 1; }
    }
    out[0] = s/n; out[1] = t/n;
}
