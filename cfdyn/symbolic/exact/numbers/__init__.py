"""Numbers from closed forms: roots in many digits, cycles at given parameters, branches over one."""
