using System.Diagnostics;
using System.Globalization;
using CsCheck;

namespace Dolmen.Tests.Data.Fuzz;

/// <summary>Runs a family on many random cases, each by a seed of its own. A few fixed ones are a check in every run of the tests;
/// <c>DOLMEN_FUZZ_SECONDS=300</c> makes a search of it, with seeds that are new each time, and <c>DOLMEN_FUZZ_SEED=n</c> repeats the case
/// that failed.
/// <c>DOLMEN_FUZZ_FILES=DIR</c> damages the files there as well.</summary>
internal static class Fuzzing
{
    private const int MostFiles = 400;
    private const long MostFileBytes = 2 << 20;

    private static readonly TimeSpan LongestCase = TimeSpan.FromSeconds(60);
    private static readonly int Seconds = int.Parse(
        Environment.GetEnvironmentVariable("DOLMEN_FUZZ_SECONDS") ?? "0",
        CultureInfo.InvariantCulture
    );
    private static readonly string? Seed = Environment.GetEnvironmentVariable("DOLMEN_FUZZ_SEED");
    private static readonly string? Files = Environment.GetEnvironmentVariable("DOLMEN_FUZZ_FILES");

    /// <param name="one">Fails by throwing, or by not coming back.</param>
    public static void Run(string family, int cases, Action<PCG> one)
    {
        if (Seed is not null) one(Random(ulong.Parse(Seed, CultureInfo.InvariantCulture)));
        else Search(family, cases, one);
    }

    private static void Search(string family, int cases, Action<PCG> one)
    {
        var clock = Stopwatch.StartNew();
        var first = Seconds > 0 ? (ulong)DateTime.UtcNow.Ticks : 0;
        var (seed, begun, done) = (first, 0L, false);
        Exception? failure = null;
        var worker = new Thread(() =>
        {
            try
            {
                for (; seed - first < (ulong)cases || clock.Elapsed.TotalSeconds < Seconds; seed++)
                {
                    Volatile.Write(ref begun, clock.ElapsedMilliseconds);
                    one(Random(seed));
                }
            }
            catch (Exception error)
            {
                failure = error;
            }
            Volatile.Write(ref done, true);
        }, maxStackSize: 1 << 20) { IsBackground = true };
        worker.Start();
        while (!worker.Join(100))
        {
            if (clock.ElapsedMilliseconds - Volatile.Read(ref begun) > LongestCase.TotalMilliseconds && !Volatile.Read(ref done))
                throw new TimeoutException(
                    $"{family}: a case did not end within {LongestCase.TotalSeconds} s. Repeat it with DOLMEN_FUZZ_SEED={seed}."
                );
        }
        if (failure is not null)
            throw new InvalidDataException($"{family}: {failure.Message} Repeat it with DOLMEN_FUZZ_SEED={seed}.", failure);
        TestContext.Current.TestOutputHelper?.WriteLine($"{family}: {seed - first} cases in {clock.Elapsed.TotalSeconds:0} s");
    }

    /// <summary>The test's own files, and in a search those of the folder that end so.</summary>
    public static byte[][] StartFrom(byte[][] own, params string[] endings) =>
        Files is null
            ? own
            :
            [
                .. own,
                .. Directory
                    .EnumerateFiles(Files, "*", SearchOption.AllDirectories)
                    .Where(file => endings.Any(end => file.EndsWith(end, StringComparison.OrdinalIgnoreCase)))
                    .Where(file => new FileInfo(file).Length <= MostFileBytes)
                    .Order(StringComparer.Ordinal)
                    .Take(MostFiles)
                    .Select(File.ReadAllBytes),
            ];

    // Neighbouring seeds must have nothing in common.
    private static PCG Random(ulong seed)
    {
        unchecked
        {
            var mixed = (seed + 0x9E3779B97F4A7C15) * 0xBF58476D1CE4E5B9;
            return new PCG((uint)(mixed >> 33), (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB);
        }
    }
}
