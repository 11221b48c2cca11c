namespace Dolmen.Numerics;

/// <summary>Several threads that share the numbered chunks of a job. Where chunks write disjoint outputs, results depend neither on the
/// number of threads nor on who took which chunk.</summary>
internal interface IThreadTeam
{
    int Threads { get; }

    /// <summary>Calls <paramref name="body"/> once with each of 0 … <paramref name="chunks"/> − 1, on up to <paramref name="threads"/>
    /// threads, and returns when all calls have returned. Whoever is free takes the next chunk.</summary>
    void Run(int chunks, int threads, Action<int> body);
}
