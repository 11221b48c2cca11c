namespace Dolmen.Tokenization;

/// <summary>Word tables that memory could not hold: each a sorted file, read together as one sorted sequence.</summary>
internal sealed class WordRuns : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<string> _files = [];
    private string? _folder;

    public bool IsEmpty => _files.Count == 0;

    public void Write(WordTable table)
    {
        string path;
        lock (_gate)
        {
            _folder ??= Directory.CreateTempSubdirectory("dolmen-words-").FullName;
            path = Path.Combine(_folder, $"{_files.Count}.words");
            _files.Add(path);
        }
        using var writer = new BinaryWriter(new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16));
        writer.Write(table.Count);
        foreach (var index in table.Sorted())
        {
            var word = table.Word(index);
            writer.Write7BitEncodedInt(word.Length);
            writer.Write(word);
            writer.Write7BitEncodedInt(table.LanguageOf(index));
            writer.Write7BitEncodedInt64(table.CountOf(index));
        }
        table.Clear();
    }

    /// <summary>Every word of every language once, with how often it occurs in all runs.</summary>
    public IEnumerable<(byte[] Word, int Language, long Count)> Read()
    {
        var runs = new PriorityQueue<Run, Run>(Comparer<Run>.Create(Run.Compare));
        var open = new List<Run>();
        try
        {
            foreach (var file in _files)
            {
                var run = new Run(file);
                open.Add(run);
                if (run.Next()) runs.Enqueue(run, run);
            }
            while (runs.TryDequeue(out var first, out _))
            {
                var (word, language, count) = (first.Word, first.Language, first.Count);
                if (first.Next()) runs.Enqueue(first, first);
                while (runs.TryPeek(out var same, out _) && same.Language == language && same.Word.AsSpan().SequenceEqual(word))
                {
                    count += same.Count;
                    runs.Dequeue();
                    if (same.Next()) runs.Enqueue(same, same);
                }
                yield return (word, language, count);
            }
        }
        finally
        {
            foreach (var run in open) run.Dispose();
        }
    }

    public void Dispose()
    {
        if (_folder is not null) Directory.Delete(_folder, recursive: true);
    }

    private sealed class Run(string path) : IDisposable
    {
        private readonly BinaryReader _reader = new(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16));
        private int _left = -1;

        public byte[] Word { get; private set; } = [];

        public int Language { get; private set; }

        public long Count { get; private set; }

        public bool Next()
        {
            if (_left < 0) _left = _reader.ReadInt32();
            if (_left-- == 0) return false;
            Word = _reader.ReadBytes(_reader.Read7BitEncodedInt());
            Language = _reader.Read7BitEncodedInt();
            Count = _reader.Read7BitEncodedInt64();
            return true;
        }

        public static int Compare(Run a, Run b) => a.Word.AsSpan().SequenceCompareTo(b.Word) is var byBytes and not 0
            ? byBytes : a.Language.CompareTo(b.Language);

        public void Dispose() => _reader.Dispose();
    }
}
