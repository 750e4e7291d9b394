/* Wine 8's C runtime has stubs in the place of the complex functions of C99, and numpy calls some when it is imported.
   setup.sh builds this beside python.exe and lets numpy's test copy ask here; all other names are forwarded to the
   runtime. Lies in the test lane only; never shipped. Arguments are laid out as Microsoft's compiler does it. */
#include <complex.h>
typedef struct { double part[2]; } Double;
typedef struct { float part[2]; } Float;
static double complex wide(Double z) { return __builtin_complex((double)z.part[0], (double)z.part[1]); }
static double complex widened(Float z) { return __builtin_complex((double)z.part[0], (double)z.part[1]); }
static Double narrow(double complex z) { return (Double){{creal(z), cimag(z)}}; }
static Float narrowed(double complex z) { return (Float){{(float)creal(z), (float)cimag(z)}}; }
#define TO_COMPLEX(name) \
    Double our_##name(Double z) { return narrow(name(wide(z))); } \
    Double our_##name##l(Double z) { return narrow(name(wide(z))); } \
    Float our_##name##f(Float z) { return narrowed(name(widened(z))); }
#define TO_REAL(name) \
    double our_##name(Double z) { return name(wide(z)); } \
    double our_##name##l(Double z) { return name(wide(z)); } \
    float our_##name##f(Float z) { return (float)name(widened(z)); }
TO_COMPLEX(ccos) TO_COMPLEX(ccosh) TO_COMPLEX(cexp) TO_COMPLEX(csin) TO_COMPLEX(csinh) TO_COMPLEX(ctan) TO_COMPLEX(ctanh)
TO_COMPLEX(clog) TO_COMPLEX(csqrt) TO_REAL(cabs) TO_REAL(carg) TO_REAL(creal) TO_REAL(cimag)
Double our_cpow(Double z, Double y) { return narrow(cpow(wide(z), wide(y))); }
Double our_cpowl(Double z, Double y) { return narrow(cpow(wide(z), wide(y))); }
Float our_cpowf(Float z, Float y) { return narrowed(cpow(widened(z), widened(y))); }
