using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Data.Cleaning;

/// <summary>Documents held out, gathered from all shards in shuffled order, so that the opening of the file is a fair sample. Texts wait on
/// disk:
/// memory holds a few bytes of each, whatever the size of the corpus.</summary>
internal static class HeldOutTexts
{
    private readonly record struct Place(ulong Order, int File, long Offset, int Length);

    /// <summary>One shard's.</summary>
    internal sealed class Writer(string path) : IDisposable
    {
        private readonly FileStream _file = new(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16);
        private readonly List<(ulong Order, long Offset, int Length)> _places = [];

        public void Add(string id, string text)
        {
            var line = JsonSerializer.SerializeToUtf8Bytes(new HeldOutText(id, text), CorpusRowJson.Default.HeldOutText);
            _places.Add((StableHash.Of($"held out|{id}"), _file.Position, line.Length));
            _file.Write(line);
        }

        public Written Complete()
        {
            _file.Flush();
            return new Written(path, _places);
        }

        public void Dispose() => _file.Dispose();
    }

    internal sealed record Written(string Path, IReadOnlyList<(ulong Order, long Offset, int Length)> Places);

    /// <summary>The shards' files are read and removed.</summary>
    public static void Join(IReadOnlyList<Written> shards, string path)
    {
        var places = new List<Place>();
        for (var file = 0; file < shards.Count; file++)
            foreach (var (order, offset, length) in shards[file].Places) places.Add(new(order, file, offset, length));
        places.Sort((a, b) => (a.Order, a.File, a.Offset).CompareTo((b.Order, b.File, b.Offset)));
        var files = shards.Select(shard => RegularFile.OpenHandle(shard.Path)).ToArray();
        try
        {
            var buffer = Array.Empty<byte>();
            AtomicFile.Write(
                path,
                output =>
                {
                    foreach (var place in places)
                    {
                        if (buffer.Length < place.Length)
                            buffer = new byte[place.Length * 2];
                        var line = buffer.AsSpan(0, place.Length);
                        if (RandomAccess.Read(files[place.File], line, place.Offset) != line.Length)
                            throw new EndOfStreamException(shards[place.File].Path);
                        output.Write(line);
                        output.WriteByte((byte)'\n');
                    }
                }
            );
        }
        finally
        {
            foreach (var file in files) file.Dispose();
        }
        foreach (var shard in shards) File.Delete(shard.Path);
    }
}
