using System.Globalization;
using Dolmen.Artifacts;
using Microsoft.Data.Sqlite;

namespace Dolmen.Retrieval;

/// <summary>Writes an index file.</summary>
internal static class IndexWriter
{
    private const string Stage = "index";
    private const int ReportEvery = 2048;

    public static int Write(string file, IEnumerable<Passage> passages, IProgress<StageProgress>? progress, CancellationToken cancellation)
    {
        AtomicFile.RefuseSpecial(file);
        var temporary = file + AtomicFile.TemporarySuffix;
        var count = 0;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
            File.Delete(temporary);
            var how = new SqliteConnectionStringBuilder { DataSource = Path.GetFullPath(temporary), Pooling = false };
            using (var connection = new SqliteConnection(how.ConnectionString))
            {
                connection.Open();
                Run(connection, IndexFormat.Settings);
                using (var transaction = connection.BeginTransaction())
                {
                    Run(connection, IndexFormat.Create, transaction);
                    count = Insert(connection, transaction, passages, progress, cancellation);
                    Run(connection, "INSERT INTO search(search) VALUES('optimize')", transaction);
                    Run(connection, IndexFormat.ListFrequent, transaction);
                    transaction.Commit();
                }
                Run(connection, "VACUUM");
            }
            using (var stream = new FileStream(temporary, FileMode.Open, FileAccess.ReadWrite)) stream.Flush(flushToDisk: true);
            File.Move(temporary, file, overwrite: true);
            return count;
        }
        catch (SqliteException e)
        {
            File.Delete(temporary);
            throw new UserErrorException($"{file} cannot be written: {e.Message}. Free space on the disk or name another place.", e);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private static int Insert(
        SqliteConnection connection,
        SqliteTransaction transaction,
        IEnumerable<Passage> passages,
        IProgress<StageProgress>? progress,
        CancellationToken cancellation
    )
    {
        using var row = Prepared(connection, transaction, "INSERT INTO passages VALUES($1, $2, $3, $4, $5)", 5);
        using var terms = Prepared(connection, transaction, "INSERT INTO search(rowid, terms) VALUES($1, $2)", 2);
        var ids = new HashSet<string>(StringComparer.Ordinal);
        var known = new List<string>();
        long titles = 0, texts = 0;
        var number = 0;
        foreach (var passage in passages)
        {
            cancellation.ThrowIfCancellationRequested();
            Check(passage, ids);
            number++;
            Set(row, number, passage.Id, passage.Title, passage.Text, passage.Source);
            known.Clear();
            IndexTerms.AddWords(passage.Title, known);
            titles += known.Count;
            var titled = known.Count;
            IndexTerms.AddWords(passage.Text, known);
            texts += known.Count - titled;
            IndexTerms.AddNames(passage.Title, known);
            Set(terms, number, string.Join(' ', known.Distinct(StringComparer.Ordinal)));
            if (number % ReportEvery == 0) progress?.Report(new StageProgress(Stage, number, 0, "passages"));
        }
        Run(connection, string.Create(CultureInfo.InvariantCulture, $"INSERT INTO lengths VALUES({titles}, {texts})"), transaction);
        progress?.Report(new StageProgress(Stage, number, number, "passages"));
        return number;
    }

    private static void Check(Passage passage, HashSet<string> ids)
    {
        if (passage.Id.Length is 0 or > Passage.MaxPlaceChars || passage.Source.Length > Passage.MaxPlaceChars)
        {
            throw new UserErrorException(
                $"passage '{ShownName.Of(passage.Id)}' has an id or source that is empty or longer than {Passage.MaxPlaceChars} characters."
            );
        }
        if (passage.Title.Length > Passage.MaxTitleChars || passage.Text.Length > Passage.MaxTextChars)
        {
            throw new UserErrorException(
                $"passage '{ShownName.Of(passage.Id)}' has {passage.Title.Length} characters of title and {passage.Text.Length} of text: "
                    + $"at most {Passage.MaxTitleChars} and {Passage.MaxTextChars} are indexed. Cut it into several."
            );
        }
        if (!ids.Add(passage.Id))
            throw new UserErrorException($"two passages have the id '{ShownName.Of(passage.Id)}': ids of an index are unique.");
    }

    private static SqliteCommand Prepared(SqliteConnection connection, SqliteTransaction all, string statement, int values)
    {
        var command = connection.CreateCommand();
        command.Transaction = all;
        command.CommandText = statement;
        for (var i = 1; i <= values; i++) command.Parameters.Add($"${i}", i == 1 ? SqliteType.Integer : SqliteType.Text);
        return command;
    }

    private static void Set(SqliteCommand command, int number, params ReadOnlySpan<string> texts)
    {
        command.Parameters[0].Value = number;
        for (var i = 0; i < texts.Length; i++) command.Parameters[i + 1].Value = texts[i];
        command.ExecuteNonQuery();
    }

    private static void Run(SqliteConnection connection, string statements, SqliteTransaction? transaction = null)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = statements;
        command.ExecuteNonQuery();
    }
}
