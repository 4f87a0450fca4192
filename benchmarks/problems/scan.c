/* Sign changes of fⁿ(x) − x on a grid, bisected; what a few lines of C would do. RULE: the map of x. */
static double f(double x) { return RULE; }
long scan(int n, double lo, double hi, long points, double *out, long room)
{
    long found = 0;
    double before = 0, left = lo;
    for (long i = 0; i <= points; i++) {
        double x = lo + (hi - lo)*i/points, y = x;
        for (int k = 0; k < n; k++) y = f(y);
        double gap = y - x;
        if (i > 0 && ((gap < 0) != (before < 0))) {
            double a = left, b = x;
            for (int turn = 0; turn < 60; turn++) {
                double m = (a + b)/2, z = m;
                for (int k = 0; k < n; k++) z = f(z);
                if (((z - m) < 0) == (before < 0)) a = m; else b = m;
            }
            if (found < room) out[found] = (a + b)/2;
            found++;
        }
        before = gap; left = x;
    }
    return found;
}
