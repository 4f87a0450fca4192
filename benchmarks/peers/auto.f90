! FUNC: the map with its derivatives, STPNT: the start; the others are called for other problems than maps.
subroutine func(n, u, icp, p, jacobian, f, dfdu, dfdp)
  implicit none
  integer, intent(in) :: n, icp(*), jacobian
  double precision, intent(in) :: u(n), p(*)
  double precision, intent(out) :: f(n)
  double precision, intent(inout) :: dfdu(n, n), dfdp(n, *)
{map}
  if (jacobian == 0) return
{by_state}
  if (jacobian == 1) return
{by_parameter}
end subroutine
subroutine stpnt(n, u, p, t)
  implicit none
  integer, intent(in) :: n
  double precision, intent(inout) :: u(n), p(*)
  double precision, intent(in) :: t
{start}
end subroutine
subroutine bcnd
end subroutine
subroutine icnd
end subroutine
subroutine fopt
end subroutine
subroutine pvls
end subroutine
