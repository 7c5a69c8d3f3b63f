# Gradient descent on Rosenbrock's function in awk: a script that knows nothing of Shoestring but a file and a folder.
#
#   shoestring search lr=log:1e-5:1e-2 momentum=0:0.99 --metric loss --goal min --budget "600 steps" --unit step --horizon 50 -- \
#       awk -v lr={lr} -v momentum={momentum} -v to={to} -v state={checkpoint_dir}/state -f examples/script/descend.awk
#
# One unit is 20 steps of descent. It appends one line a unit to $SHOESTRING_EVENTS, keeps its state in the checkpoint folder, and ends at unit `to`.

BEGIN {
    x = -1; y = 2; vx = 0; vy = 0; unit = 0
    if ((getline line < state) > 0) { split(line, s, " "); unit = s[1]; x = s[2]; y = s[3]; vx = s[4]; vy = s[5] }
    events = ENVIRON["SHOESTRING_EVENTS"]
    while (unit < to) {
        for (i = 0; i < 20; i++) {
            gx = -2 * (1 - x) - 400 * x * (y - x * x)
            gy = 200 * (y - x * x)
            vx = momentum * vx - lr * gx; vy = momentum * vy - lr * gy
            x += vx; y += vy
        }
        unit++
        loss = (1 - x) ^ 2 + 100 * (y - x * x) ^ 2
        printf "{\"unit\": %d, \"loss\": %.17g}\n", unit, loss >> events
        fflush(events)
    }
    printf "%d %.17g %.17g %.17g %.17g\n", unit, x, y, vx, vy > (state ".part")
    close(state ".part")
    system("mv '" state ".part' '" state "'")
}
