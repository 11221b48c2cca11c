using System.Security.Cryptography;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Data.Inputs;

/// <summary>The files a corpus would be built of, as one hash: what a run's identity and lineage need before anything is written.</summary>
public static class CorpusInputs
{
    /// <summary>Number of files in the corpus that is always at hand.</summary>
    /// <exception cref="UserErrorException">The running SDK carries none.</exception>
    public static int CountDefaultFiles() => ReferencePacks.Find().Count;

    /// <summary>SHA-256 over the files' names (relative to what the user named) and contents.</summary>
    /// <param name="inputs">As for <c>CorpusBuild.Run</c>: none means the XML documentation of the running SDK.</param>
    /// <exception cref="UserErrorException">An input is missing, empty or unreadable.</exception>
    public static string Sha256(IReadOnlyList<string> inputs, CancellationToken stop)
    {
        var files = inputs.Count == 0 ? ReferencePacks.Find() : InputFiles.Find(inputs, new Funnel());
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in files)
        {
            stop.ThrowIfCancellationRequested();
            try
            {
                digest.AppendData(Encoding.UTF8.GetBytes($"{file.Name}\0{StableHash.Sha256OfFile(file.Path)}\n"));
            }
            catch (Exception error) when (error is UnauthorizedAccessException or IOException)
            {
                throw new UserErrorException(
                    $"{file.Path} cannot be read: {error.Message} Check its permissions or name another --input.",
                    error
                );
            }
        }
        return Convert.ToHexStringLower(digest.GetHashAndReset());
    }
}
