using System.Text;
using Dolmen.Artifacts;
using Dolmen.Data.Deduplication;
using Dolmen.Tables;

namespace Dolmen.Data.Mixing;

/// <summary>A document as mixing sees it.</summary>
/// <param name="Place">Random and stable: made of the seed and the document's id.</param>
internal readonly record struct MixtureRow(ComponentKey Component, ulong Place, int Tokens, bool Estimated, double Copies);

/// <summary>Reads of a row group what mixing decides by; columns that are not there tell nothing.</summary>
internal sealed class MixtureRows(MixRecipe recipe, ulong seed)
{
    public const string InputSource = "input";

    private const double MostCopies = 1000;

    private readonly ulong _salt = new StableRandom(seed).NextUInt64();

    public MixtureRow[] Read(ParquetTable table, int group, string input)
    {
        var ids = table.Strings(group, table.Find("id"));
        var sources = table.Strings(group, recipe.SourceColumn == InputSource ? null : table.Find(recipe.SourceColumn));
        var languages = table.Strings(group, table.Find("language"));
        var provenances = table.Strings(group, table.Find("provenance"));
        var qualities = table.Numbers(group, recipe.Edges.Count > 0 ? table.Find(recipe.QualityColumn) : null);
        var counts = table.Numbers(group, table.Find("token_count"));
        var copies = Copies(table, group, ids.Length);
        var texts =
            Array.Exists(counts, c => !(c >= 1)) || Array.Exists(ids, string.IsNullOrEmpty) ? table.Strings(group, table.Find("text")) : [];
        var rows = new MixtureRow[ids.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            var estimated = !(counts[i] >= 1);
            var tokens = estimated ? (Encoding.UTF8.GetByteCount(texts[i] ?? "") + 3) / 4 : (int)Math.Min(counts[i], int.MaxValue);
            var id = ids[i] is { Length: > 0 } given ? given : texts[i] ?? "";
            var component = new ComponentKey(
                sources[i] is { Length: > 0 } source ? source : input,
                languages[i] is { Length: > 0 } language ? language : "und",
                Bucket(qualities[i]),
                provenances[i] == "ai"
            );
            rows[i] = new MixtureRow(component, Spread(StableHash.Of(id) ^ _salt, 0), tokens, estimated, copies[i]);
        }
        return rows;
    }

    /// <summary>A draw for one purpose out of a document's place.</summary>
    public static ulong Spread(ulong place, int purpose) =>
        new StableRandom(unchecked(place + ((ulong)purpose * 0xD1B54A32D192ED03))).NextUInt64();

    /// <summary>How often a document stands in one epoch: a fraction of a copy falls to some documents and not to others.</summary>
    public static int WholeCopies(in MixtureRow row)
    {
        var whole = (int)row.Copies;
        return whole + ((Spread(row.Place, -1) >> 11) * (1.0 / (1UL << 53)) < row.Copies - whole ? 1 : 0);
    }

    private double[] Copies(ParquetTable table, int group, int rows)
    {
        var copies = new double[rows];
        Array.Fill(copies, 1);
        if (!recipe.Rehydrate) return copies;
        var weights = table.Numbers(group, table.Find("rehydration_weight"));
        var sizes = table.Numbers(group, table.Find("cluster_size"));
        for (var i = 0; i < rows; i++) copies[i] = weights[i] >= 0 ? Math.Min(weights[i], MostCopies) : Rehydration.Weight(sizes[i]);
        return copies;
    }

    private int Bucket(double quality)
    {
        if (recipe.Edges.Count == 0) return 0;
        if (double.IsNaN(quality)) return -1;
        var bucket = 0;
        while (bucket < recipe.Edges.Count && quality >= recipe.Edges[bucket]) bucket++;
        return bucket;
    }
}
