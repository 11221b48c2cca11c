using System.Globalization;
using System.Text;
using Dolmen.Artifacts;
using Microsoft.Data.Sqlite;

namespace Dolmen.Retrieval;

/// <summary>One connection to an index file, for one thread at a time.</summary>
internal sealed class IndexReader : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _countOfRare;
    private readonly SqliteCommand _holding;
    private readonly SqliteCommand _byNumber;
    private readonly string _file;

    public IndexReader(string file)
    {
        _file = file;
        // immutable: no locks and no journal beside the file, which may lie on a read-only medium.
        var address = new Uri(Path.GetFullPath(file)).AbsoluteUri + "?immutable=1";
        var how = new SqliteConnectionStringBuilder { DataSource = address, Mode = SqliteOpenMode.ReadOnly, Pooling = false };
        _connection = new SqliteConnection(how.ConnectionString);
        (_countOfRare, _holding, _byNumber) = (_connection.CreateCommand(), _connection.CreateCommand(), _connection.CreateCommand());
        try
        {
            _connection.Open();
            Check();
            using (var vocabulary = _connection.CreateCommand())
            {
                vocabulary.CommandText = IndexFormat.OpenVocabulary;
                vocabulary.ExecuteNonQuery();
            }
            _countOfRare.CommandText = IndexFormat.CountOfRare;
            _countOfRare.Parameters.Add("$term", SqliteType.Text);
            _holding.CommandText = IndexFormat.Holding;
            _holding.Parameters.Add("$term", SqliteType.Text);
            _byNumber.CommandText = IndexFormat.ByNumber;
            _byNumber.Parameters.Add("$number", SqliteType.Integer);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Runs what reads the file and says of SQLite's errors which file and what to do.</summary>
    public static T Guarded<T>(string file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (SqliteException e)
        {
            throw new UserErrorException(
                $"{file} cannot be read as an index of documents: {e.Message.TrimEnd('.')}. Build it again: delete it and run the run's "
                    + "command once more, or do without with --no-documents.",
                e
            );
        }
    }

    /// <summary>Refuses SQLite files of other programs and of other versions.</summary>
    private void Check()
    {
        if (Number("PRAGMA application_id") != IndexFormat.ApplicationId)
            throw new UserErrorException($"{_file} is an SQLite file but not an index of documents: name one that Dolmen built.");
        if (Number("PRAGMA user_version") is var version && version != IndexFormat.Version)
        {
            throw new UserErrorException(
                $"{_file} is an index of documents of version {version}, and this Dolmen reads version {IndexFormat.Version}: delete it "
                    + "and run the run's command once more."
            );
        }
    }

    public int Count() => (int)Number("SELECT count(*) FROM passages");

    public Dictionary<string, int> FrequentTerms()
    {
        var terms = new Dictionary<string, int>(StringComparer.Ordinal);
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT term, passages FROM frequent";
        using var row = command.ExecuteReader();
        while (row.Read()) terms[row.GetString(0)] = row.GetInt32(1);
        return terms;
    }

    /// <summary>The mean length of titles and of texts, in terms.</summary>
    public (double Title, double Text) MeanLengths(int passages)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT title, text FROM lengths";
        using var row = command.ExecuteReader();
        return row.Read() ? (row.GetInt64(0) / Math.Max(1.0, passages), row.GetInt64(1) / Math.Max(1.0, passages)) : (1, 1);
    }

    /// <summary>In how many passages a term is that is not among <see cref="FrequentTerms"/>.</summary>
    public int CountOfRare(string term)
    {
        _countOfRare.Parameters[0].Value = term;
        return Convert.ToInt32(_countOfRare.ExecuteScalar() ?? 0, CultureInfo.InvariantCulture);
    }

    /// <summary>The numbers of the passages that hold a term.</summary>
    public IEnumerable<int> Holding(string term)
    {
        // In quotes, so that none of it is FTS5's own syntax.
        _holding.Parameters[0].Value = $"\"{term.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
        using var row = _holding.ExecuteReader();
        while (row.Read()) yield return row.GetInt32(0);
    }

    public Passage Read(int number)
    {
        _byNumber.Parameters[0].Value = number;
        using var row = _byNumber.ExecuteReader();
        return row.Read()
            ? new Passage(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3))
            : throw new SqliteException($"passage {number} is missing", SQLitePCL.raw.SQLITE_CORRUPT);
    }

    private long Number(string query)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = query;
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        _countOfRare.Dispose();
        _holding.Dispose();
        _byNumber.Dispose();
        _connection.Dispose();
    }
}
