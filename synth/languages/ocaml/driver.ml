(* The OCaml driver: calls one function of a program on each input and writes the results to a private descriptor.

   It is compiled once; each program is compiled with a start module that composes the readers and writers of its signature. Lines in
   and out are described in docs/architecture/execution.md. Integers have 63 bits; a map is a list of pairs. *)

type reader = { mutable tokens : string list }

let take reader wanted =
  match reader.tokens with
  | token :: rest when token <> "" && token.[0] = wanted ->
      reader.tokens <- rest;
      String.sub token 1 (String.length token - 1)
  | _ -> failwith (Printf.sprintf "the input has another type where the parameter needs '%c'" wanted)

(* --- values in --- *)

let get_int reader = int_of_string (take reader 'i')
let get_float reader = float_of_string (take reader 'f')
let get_bool reader = take reader 'b' = "1"
let get_null reader = ignore (take reader 'n')

let get_str reader =
  let hex = take reader 's' in
  String.init (String.length hex / 2) (fun i -> Char.chr (int_of_string ("0x" ^ String.sub hex (2 * i) 2)))

let rec times count read = if count = 0 then [] else let item = read () in item :: times (count - 1) read

let get_list get reader =
  let count = int_of_string (take reader 'l') in
  List.rev (List.rev_map (fun _ -> get reader) (List.init count Fun.id))

let get_map get_key get_value reader =
  let count = int_of_string (take reader 'm') in
  times count (fun () -> let key = get_key reader in (key, get_value reader))

let open_tuple reader count = if int_of_string (take reader 't') <> count then failwith "the tuple has another length"

(* --- values out --- *)

let put out word =
  if Buffer.length out > 0 then Buffer.add_char out ' ';
  Buffer.add_string out word

let hex text = String.concat "" (List.map (fun c -> Printf.sprintf "%02x" (Char.code c)) (List.of_seq (String.to_seq text)))
let put_int out value = put out (Printf.sprintf "i%d" value)
let put_bool out value = put out (if value then "b1" else "b0")
let put_null out () = put out "n"
let put_str out value = put out ("s" ^ hex value)

let put_float out value =
  put out
    (if Float.is_nan value then "fnan"
     else if Float.is_integer value || Float.abs value < infinity then Printf.sprintf "f%.17g" value
     else if value > 0. then "finf"
     else "f-inf")

let put_list put_item out items =
  put out (Printf.sprintf "l%d" (List.length items));
  List.iter (put_item out) items

let put_map put_key put_value out pairs =
  put out (Printf.sprintf "m%d" (List.length pairs));
  List.iter (fun (key, value) -> put_key out key; put_value out value) pairs

let put_tuple out count = put out (Printf.sprintf "t%d" count)

(* --- the run --- *)

let argument parts =
  match !parts with
  | part :: rest ->
      parts := rest;
      { tokens = String.split_on_char ' ' part }
  | [] -> failwith "an argument is missing"

let result call line =
  try
    let out = Buffer.create 64 in
    call (ref (String.split_on_char '\t' line)) out;
    "returned " ^ Buffer.contents out
  with problem ->
    let text = Printexc.to_string problem in
    "raised " ^ hex (String.sub text 0 (min 300 (String.length text)))

let read_all () =
  let text = Buffer.create 65536 in
  (try while true do Buffer.add_channel text stdin 1 done with End_of_file -> ());
  Buffer.contents text

let drive call =
  let lines = Array.of_list (String.split_on_char '\n' (read_all ())) in
  let channel = Unix.out_channel_of_descr (Obj.magic 3 : Unix.file_descr) in
  let send text = Printf.fprintf channel "%s %s\n%!" lines.(0) text in
  for index = 0 to int_of_string lines.(4) - 1 do
    send (Printf.sprintf "%d %s" index (result call lines.(5 + index)))
  done;
  send "finished";
  flush stdout;
  Unix._exit 0
