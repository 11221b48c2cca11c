namespace Dolmen.Inference;

/// <summary>How long passes of so many rows take that only write, learned from those before. What was not seen for long is forgotten, so
/// that it is tried again: what was slow once need not be.</summary>
internal sealed class PassCost
{
    public const int MostRows = 64;

    /// <summary>What another row is taken to cost before one was measured, as a share of the pass: little, so that it is
    /// measured.</summary>
    private const double Hope = 0.05;

    private const int FirstLife = 32, LongestLife = 1 << 13;

    private readonly double[] _seconds = new double[MostRows + 1];       // by rows; 0 where not known
    private readonly int[] _life = new int[MostRows + 1];
    private readonly long[] _end = new long[MostRows + 1];
    private long _passes;

    public bool Knows(int rows) => rows <= MostRows && _seconds[rows] > 0;

    /// <summary>Seconds, or a guess between what is known of fewer and of more rows. For at least as many as were measured once.</summary>
    public double Of(int rows)
    {
        if (_seconds[rows] > 0) return _seconds[rows];
        var (fewer, more) = (rows, rows);
        while (fewer > 0 && _seconds[fewer] == 0) fewer--;
        while (more < MostRows && _seconds[more] == 0) more++;
        if (_seconds[more] == 0) return _seconds[fewer] * (1 + Hope * (rows - fewer));
        var share = (double)(rows - fewer) / (more - fewer);
        return _seconds[fewer] + share * Math.Max(0, _seconds[more] - _seconds[fewer]);
    }

    public void Measured(int rows, double seconds)
    {
        _passes++;
        if (rows <= MostRows)
        {
            // Other work on the machine only ever makes a pass slower.
            if (_seconds[rows] > 0) _seconds[rows] += (seconds < _seconds[rows] ? 0.5 : 0.05) * (seconds - _seconds[rows]);
            else
            {
                _seconds[rows] = seconds;
                _life[rows] = Math.Clamp(2 * _life[rows], FirstLife, LongestLife);
                _end[rows] = _passes + _life[rows];
            }
        }
        for (var n = 1; n <= MostRows; n++)
        {
            if (_end[n] == _passes) _seconds[n] = 0;
        }
    }
}
