using Dolmen.Artifacts;
using Dolmen.Artifacts.Compression;
using Dolmen.Tables;

namespace Dolmen.Data.Inputs;

/// <summary>Lines of a file as bytes, one at a time, uncompressed on the way when it is gzip or zstd.</summary>
internal static class BoundedLines
{
    public static void ForEach(InputFile file, Action<long, byte[]> body) =>
        BoundedText.Guard(
            file,
            () =>
            {
                using var content = StoredMembers.Open(file);
                if (content.IsPlain && InputFiles.ContentTypeOf(file.Path) != InputFiles.TypeOf(file.Path))
                    throw new InvalidDataException("It is not compressed.");
                using var stream = new MemberStream(content);
                var lines = new StreamLines(stream, BoundedText.MaxLineBytes);
                long total = 0;
                while (lines.Next(CancellationToken.None))
                {
                    if (lines.IsTooLong)
                        throw new UserErrorException(
                            $"{file.Path}: line {lines.Number} is longer than {BoundedText.MaxLineBytes >> 20} MB, the most a line may "
                                + $"have. Split the document it holds."
                        );
                    if ((total += lines.Line.Length) > BoundedText.MaxCorpusChars)
                        throw new UserErrorException(
                            $"{file.Path} unfolds to more than {BoundedText.MaxCorpusChars >> 20} MB, which is the most one file may hold: "
                                + $"split it and leave a part out."
                        );
                    body(lines.Number, lines.Line.ToArray());
                }
                return true;
            }
        );
}
