using System.Buffers;
using System.Buffers.Binary;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Dolmen.Artifacts.Compression;

/// <summary>Zstandard frames (RFC 8878), which tell where they end. A skippable frame at the start may hold the dictionary of all others,
/// itself compressed or not (the WARC community's "Use of Zstandard with WARC").</summary>
internal sealed unsafe class ZstdMembers(StoredFile file) : StoredMembers(file)
{
    private const uint Magic = 0xFD2FB528, DictionaryMagic = 0x184D2A5D, SkippableMagic = 0x184D2A50;
    private const int MaxDictionaryBytes = 16 << 20;
    private const int MaxWindowLog = 27;                                 // 128 MB, what zstd itself grants without --long

    // The library's own streams run on from frame to frame; this is what they are made of.
    private ZSTD_DCtx_s* _frames = Context();
    private bool _dictionaryAllowed = true;

    public static bool Begins(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= 4 && BinaryPrimitives.ReadUInt32LittleEndian(bytes) is var magic && (magic == Magic || IsSkippable(magic));

    public override bool Next()
    {
        var broken = Leave();
        while (true)
        {
            var ahead = File.Ahead(8);
            if (ahead.Length == 0)
            {
                (Ended, Flaw) = (true, null);
                return false;
            }
            var magic = ahead.Length >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(ahead) : 0;
            if (!broken && ahead.Length >= 8 && IsSkippable(magic))
            {
                SkipFrame(magic == DictionaryMagic, BinaryPrimitives.ReadUInt32LittleEndian(ahead[4..]));
                continue;
            }
            if (magic == Magic)
            {
                var at = File.Here;
                if (!broken || IsFrame(at))
                {
                    Start(at);
                    return true;
                }
                File.MoveTo(at + 1);
            }
            // Behind a broken frame its own rest says nothing new.
            SkippedGarbage |= !broken;
            broken = true;
            File.Find([0x28, 0xB5, 0x2F, 0xFD]);
        }
    }

    public override int Read(Span<byte> into)
    {
        while (!Ended && into.Length > 0)
        {
            var ahead = File.Ahead(1);
            nuint left;
            int taken, made;
            fixed (byte* from = ahead, to = into)
            {
                var input = new ZSTD_inBuffer_s { src = from, size = (nuint)ahead.Length };
                var output = new ZSTD_outBuffer_s { dst = to, size = (nuint)into.Length };
                left = Methods.ZSTD_decompressStream(_frames, &output, &input);
                (taken, made) = ((int)input.pos, (int)output.pos);
            }
            File.Skip(taken);
            if (Methods.ZSTD_isError(left)) return End("zstd-corrupt");
            if (left == 0) Ended = true;
            else if (made == 0 && taken == 0) return End(ahead.Length == 0 ? "zstd-truncated" : "zstd-corrupt");
            if (made > 0) return made;
        }
        return 0;
    }

    private int End(string flaw)
    {
        (Flaw, Ended) = (flaw, true);
        return 0;
    }

    private void Start(long at)
    {
        File.MoveTo(at);
        Methods.ZSTD_DCtx_reset(_frames, ZSTD_ResetDirective.ZSTD_reset_session_only);
        (Offset, Flaw, Ended) = (at, null, false);
        _dictionaryAllowed = false;
    }

    private bool IsFrame(long at)
    {
        Start(at);
        Span<byte> first = stackalloc byte[16];
        var have = 0;
        while (have < first.Length && Read(first[have..]) is > 0 and var count) have += count;
        return LooksLikeText(first[..have]);
    }

    private void SkipFrame(bool isDictionary, uint length)
    {
        var at = File.Here;
        File.Skip(8);
        if (isDictionary && _dictionaryAllowed && length <= MaxDictionaryBytes)
        {
            var dictionary = new byte[length];
            dictionary = dictionary[..File.ReadAtLeast(dictionary, dictionary.Length, throwOnEndOfStream: false)];
            if (Begins(dictionary)) dictionary = Unfold(dictionary);
            fixed (byte* bytes = dictionary)
                if (dictionary.Length > 0) Methods.ZSTD_DCtx_loadDictionary(_frames, bytes, (nuint)dictionary.Length);
        }
        _dictionaryAllowed = false;
        File.MoveTo(Math.Min(at + 8 + length, File.Length));
    }

    private static byte[] Unfold(byte[] dictionary)
    {
        using var decompressor = new Decompressor();
        var unfolded = new ArrayBufferWriter<byte>();
        var from = dictionary.AsSpan();
        while (unfolded.WrittenCount < MaxDictionaryBytes)
        {
            var status = decompressor.UnwrapStream(from, unfolded.GetSpan(1 << 16), out var taken, out var made);
            unfolded.Advance(made);
            from = from[taken..];
            if (status is OperationStatus.Done) return unfolded.WrittenSpan.ToArray();
            if (status is OperationStatus.InvalidData || (made == 0 && taken == 0)) break;
        }
        return [];
    }

    private static bool IsSkippable(uint magic) => (magic & ~0xFu) == SkippableMagic;

    private static ZSTD_DCtx_s* Context()
    {
        var context = Methods.ZSTD_createDCtx();
        Methods.ZSTD_DCtx_setParameter(context, ZSTD_dParameter.ZSTD_d_windowLogMax, MaxWindowLog);
        return context;
    }

    protected override void Dispose(bool disposing)
    {
        if (_frames is not null) Methods.ZSTD_freeDCtx(_frames);
        _frames = null;
        base.Dispose(disposing);
    }
}
