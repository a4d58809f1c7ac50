@rem The scripts of package.json begin with exec, so that a signal reaches node and not the shell before it.
@rem The shell of Windows has no exec: it finds this one.
@%*
