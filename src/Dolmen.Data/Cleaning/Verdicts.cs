using System.Collections;
using Dolmen.Artifacts;
using Dolmen.Data.Deduplication;
using Dolmen.Data.Filters;

namespace Dolmen.Data.Cleaning;

/// <summary>Who stays: the rules on what was measured, then one of each cluster of duplicates. The same whether a corpus is built or only
/// asked what other thresholds would have done.</summary>
/// <param name="earlier">Documents of earlier crawls, which come before all measured ones in <paramref name="clusters"/>.</param>
internal sealed class Verdicts(MeasureSet measures, Clusters? clusters, BitArray? exactCopies, long earlier = 0)
{
    public const string ExactReason = "dedup.exact", NearReason = "dedup.minHash", IndexReason = "dedup.index";

    /// <param name="ordinal">The document's place among all measured ones.</param>
    public Exclusion? Of(MeasuredDocument document, long ordinal)
    {
        if (Rules(measures, document) is { } broken) return broken;
        if (clusters is null || Duplicate(clusters, exactCopies, earlier, ordinal) is not { } reason) return null;
        return new(reason, clusters.SizeOf(earlier + ordinal), 1);
    }

    /// <summary>Why deduplication drops a document that the rules keep; null when it stays.</summary>
    public static string? Duplicate(Clusters clusters, BitArray? exactCopies, long earlier, long ordinal)
    {
        var place = earlier + ordinal;
        var survivor = clusters.SurvivorOf(place);
        if (survivor == place) return null;
        if (survivor < earlier) return IndexReason;
        return exactCopies?[checked((int)place)] == true ? ExactReason : NearReason;
    }

    public static Exclusion? Rules(MeasureSet measures, MeasuredDocument document) =>
        document.Dropped ?? measures.Judge(document.Language, document.Measures);

    /// <summary>Kept documents of its cluster, 1 without deduplication.</summary>
    public long ClusterSize(long ordinal) => clusters?.SizeOf(earlier + ordinal) ?? 1;

    public string ClusterId(long ordinal) => clusters is null ? "" : $"{clusters.IdOf(earlier + ordinal):x16}";

    /// <summary>Which documents are copies of an earlier one, letter for letter.</summary>
    public static BitArray ExactCopies(DuplicatePairs pairs)
    {
        var copies = new BitArray(checked((int)pairs.Documents));
        foreach (var pair in ItemFile.Read<Pair>(pairs.ExactFile))
        {
            if ((ulong)pair.A >= (ulong)pairs.Documents)
                throw new UserErrorException(
                    $"{pairs.ExactFile} names document {pair.A}, and there are {pairs.Documents}: it is damaged or of another corpus. "
                        + $"Restore it, or build the corpus again."
                );
            copies[(int)pair.A] = true;
        }
        return copies;
    }
}
